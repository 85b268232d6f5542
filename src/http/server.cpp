// SPDX-License-Identifier: Apache-2.0
#include "http/server.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <mutex>
#include <set>
#include <thread>

#include "error/error.h"

namespace geoloom::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace wire = boost::beast::http;
using tcp = asio::ip::tcp;

constexpr int kThreads = 2;
constexpr int kBacklog = 512;
constexpr size_t kReadBytes = size_t{64} << 10;

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

std::string text_of(beast::string_view view) {
  return {view.data(), view.size()};
}

IncomingRequest head_of(const wire::request<wire::string_body>& message, const std::string& peer) {
  IncomingRequest request;
  request.method = text_of(message.method_string());
  const auto target = text_of(message.target());
  const auto question = target.find('?');
  request.path = target.substr(0, question);
  if (question != std::string::npos) request.query = target.substr(question + 1);
  for (const auto& field : message)
    request.headers[lower(text_of(field.name_string()))] = text_of(field.value());
  request.peer = peer;
  return request;
}

// The answer to bytes that are no request; 0: none, the connection is closed.
int status_of(const beast::error_code& error) {
  if (error == wire::error::header_limit) return 431;
  if (error == wire::error::body_limit) return 413;
  if (error == beast::error::timeout) return 408;
  if (error == wire::error::end_of_stream || error == wire::error::partial_message) return 0;
  return error.category() == wire::make_error_code(wire::error::bad_method).category() ? 400 : 0;
}

}  // namespace

const std::string& IncomingRequest::header(const std::string& name) const {
  static const std::string none;
  const auto found = headers.find(name);
  return found == headers.end() ? none : found->second;
}

std::string reason_of(int status) {
  return text_of(wire::obsolete_reason(wire::int_to_status(static_cast<unsigned>(status))));
}

struct Server::Shared {
  Shared(const ServerLimits& l, Admission a, Handler h)
      : limits(l), admit(std::move(a)), handle(std::move(h)) {}
  const ServerLimits limits;
  const Admission admit;
  const Handler handle;
  std::atomic<bool> stopping{false};
  std::mutex mutex;
  std::set<Connection*> connections;
  std::vector<std::thread> threads;
  uint16_t port = 0;
  // Last, so that it goes first: what it still holds refers to the members above.
  asio::io_context io{kThreads};
  tcp::acceptor acceptor{asio::make_strand(io)};
};

// One client: requests one after the other.
class Server::Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(tcp::socket&& socket, Shared& shared)
      : shared_(shared),
        stream_(std::move(socket)),
        buffer_(shared.limits.header_bytes + kReadBytes) {
    beast::error_code ignored;
    stream_.socket().set_option(tcp::no_delay(true), ignored);
    const auto end = stream_.socket().remote_endpoint(ignored);
    if (!ignored) peer_ = end.address().to_string();
    const std::lock_guard lock(shared_.mutex);
    shared_.connections.insert(this);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() {
    const std::lock_guard lock(shared_.mutex);
    shared_.connections.erase(this);
  }

  void start() {
    asio::post(stream_.get_executor(), [self = shared_from_this()] { self->read_header(); });
  }

  // Ends it when no request is under way, or in any case.
  void end(bool in_any_case) {
    asio::post(stream_.get_executor(), [self = weak_from_this(), in_any_case] {
      const auto connection = self.lock();
      if (connection && (connection->idle_ || in_any_case)) connection->close();
    });
  }

 private:
  void close() {
    beast::error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_both, ignored);
    stream_.close();
  }

  // Between two requests a client may be idle for long; from the first byte on it has little time
  // for all of the header, however slowly it sends.
  void wait_for_next() {
    if (shared_.stopping.load()) return close();
    if (buffer_.size() > 0) return read_header();
    idle_ = true;
    stream_.expires_after(shared_.limits.idle_time);
    stream_.async_read_some(
        buffer_.prepare(4096),
        [self = shared_from_this()](const beast::error_code& error, std::size_t bytes) {
          if (error) return self->close();
          self->buffer_.commit(bytes);
          self->read_header();
        });
  }

  void read_header() {
    idle_ = false;
    parser_.emplace();
    parser_->header_limit(static_cast<uint32_t>(shared_.limits.header_bytes));
    parser_->body_limit(shared_.limits.body_bytes);
    stream_.expires_after(shared_.limits.header_time);
    wire::async_read_header(stream_, buffer_, *parser_,
                            [self = shared_from_this()](const beast::error_code& error,
                                                        std::size_t) { self->got_header(error); });
  }

  void got_header(const beast::error_code& error) {
    if (error) return refuse(error);
    head_ = head_of(parser_->get(), peer_);
    if (auto answer = shared_.admit ? shared_.admit(head_) : std::nullopt) {
      // The body is still on its way: whatever follows on this connection is not looked at.
      const bool unread = !parser_->is_done();
      return write(std::move(*answer), unread);
    }
    if (parser_->is_done()) return serve();
    stream_.expires_after(shared_.limits.body_time);
    if (lower(head_.header("expect")) == "100-continue") return invite_body();
    read_body();
  }

  void invite_body() {
    static const std::string kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    asio::async_write(stream_, asio::buffer(kContinue),
                      [self = shared_from_this()](const beast::error_code& error, std::size_t) {
                        if (error) return self->close();
                        self->read_body();
                      });
  }

  void read_body() {
    wire::async_read(stream_, buffer_, *parser_,
                     [self = shared_from_this()](const beast::error_code& error, std::size_t) {
                       if (error) return self->refuse(error);
                       self->serve();
                     });
  }

  void refuse(const beast::error_code& error) {
    const int status = status_of(error);
    if (status == 0) return close();
    Answer answer;
    answer.status = status;
    answer.content_type = "text/plain";
    answer.body = fmt::format("{}\n", reason_of(status));
    write(std::move(answer), true);
  }

  void serve() {
    stream_.expires_never();
    head_.body = std::move(parser_->get().body());
    // Answers exactly once, also when nobody calls it.
    struct Once {
      explicit Once(std::shared_ptr<Connection> c) : connection(std::move(c)) {}
      Once(const Once&) = delete;
      Once& operator=(const Once&) = delete;
      ~Once() { give({500, "text/plain", "the request was dropped\n", {}}); }
      void give(Answer answer) {
        if (given.exchange(true)) return;
        const auto executor = connection->stream_.get_executor();
        asio::post(executor, [self = std::move(connection), what = std::move(answer)]() mutable {
          self->write(std::move(what), false);
        });
      }
      std::shared_ptr<Connection> connection;
      std::atomic<bool> given{false};
    };
    const auto once = std::make_shared<Once>(shared_from_this());
    try {
      shared_.handle(std::move(head_), [once](Answer answer) { once->give(std::move(answer)); });
    } catch (const std::exception& error) {
      once->give({500, "text/plain", "internal error\n", {}});
    }
  }

  void write(Answer answer, bool close_after) {
    const bool last = close_after || shared_.stopping.load() || !parser_->get().keep_alive();
    response_.emplace();
    response_->version(11);
    response_->result(static_cast<unsigned>(answer.status));
    response_->set(wire::field::server, "geoloom");
    if (!answer.content_type.empty())
      response_->set(wire::field::content_type, answer.content_type);
    for (const auto& [name, value] : answer.headers) response_->set(name, value);
    response_->keep_alive(!last);
    const bool head = head_.method == "HEAD";
    const bool bodyless = answer.status == 204 || answer.status == 304;
    if (!bodyless) response_->content_length(answer.body.size());
    if (!head && !bodyless) response_->body() = std::move(answer.body);
    stream_.expires_after(shared_.limits.write_time);
    wire::async_write(
        stream_, *response_,
        [self = shared_from_this(), last](const beast::error_code& error, std::size_t) {
          if (error) return self->close();
          if (last) return self->linger();
          self->wait_for_next();
        });
  }

  // Closing with unread bytes would reset the connection and lose the answer on its way: say that
  // no more is sent, and read what still comes for a moment.
  void linger() {
    beast::error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    stream_.expires_after(std::chrono::seconds(1));
    discard();
  }
  void discard() {
    buffer_.consume(buffer_.size());
    stream_.async_read_some(
        buffer_.prepare(4096),
        [self = shared_from_this()](const beast::error_code& error, std::size_t) {
          if (error) return self->close();
          self->discard();
        });
  }

  Shared& shared_;
  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  std::string peer_;
  bool idle_ = false;
  IncomingRequest head_;
  std::optional<wire::request_parser<wire::string_body>> parser_;
  std::optional<wire::response<wire::string_body>> response_;
};

class Server::Listener {
 public:
  static void open(Shared& shared, const std::string& address, uint16_t port) {
    beast::error_code error;
    const auto ip = asio::ip::make_address(address, error);
    if (error)
      throw Error(ErrorCode::invalid, fmt::format("'{}' is no address to listen on", address))
          .hint("give an IP address, such as 127.0.0.1 or 0.0.0.0");
    const tcp::endpoint endpoint(ip, port);
    auto& acceptor = shared.acceptor;
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(kBacklog, error);
    if (error) throw cannot_listen(error, address, port);
    shared.port = acceptor.local_endpoint().port();
    accept(shared);
  }

 private:
  static Error cannot_listen(const beast::error_code& error, const std::string& address,
                             uint16_t port) {
    const bool denied = error == asio::error::access_denied;
    return Error(denied ? ErrorCode::denied : ErrorCode::unavailable,
                 fmt::format("cannot listen on {} port {}", address, port))
        .cause(error.message())
        .hint(denied ? "take a port above 1023" : "is another program using it? give --port");
  }

  static void accept(Shared& shared) {
    shared.acceptor.async_accept(asio::make_strand(shared.io),
                                 [&shared](const beast::error_code& error, tcp::socket socket) {
                                   took(shared, error, std::move(socket));
                                 });
  }

  static void took(Shared& shared, const beast::error_code& error, tcp::socket socket) {
    if (shared.stopping.load() || error == asio::error::operation_aborted) return;
    if (!error) {
      const auto open = [&shared] {
        const std::lock_guard lock(shared.mutex);
        return shared.connections.size();
      }();
      // Above the limit the socket is closed by its destructor.
      if (open < shared.limits.connections)
        std::make_shared<Connection>(std::move(socket), shared)->start();
    } else {
      // Out of descriptors: spinning would only make it worse.
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    accept(shared);
  }
};

Server::Server(const std::string& address, uint16_t port, const ServerLimits& limits,
               Admission admit, Handler handle)
    : shared_(std::make_shared<Shared>(limits, std::move(admit), std::move(handle))) {
  Listener::open(*shared_, address, port);
  for (int i = 0; i < kThreads; ++i)
    shared_->threads.emplace_back([shared = shared_.get()] { shared->io.run(); });
}

Server::~Server() {
  stop_accepting();
  {
    const std::lock_guard lock(shared_->mutex);
    for (auto* connection : shared_->connections) connection->end(true);
  }
  for (auto& thread : shared_->threads) thread.join();
}

uint16_t Server::port() const {
  return shared_->port;
}

size_t Server::connections() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->connections.size();
}

void Server::stop_accepting() {
  if (shared_->stopping.exchange(true)) return;
  asio::post(shared_->acceptor.get_executor(), [shared = shared_.get()] {
    beast::error_code ignored;
    shared->acceptor.close(ignored);
  });
  const std::lock_guard lock(shared_->mutex);
  for (auto* connection : shared_->connections) connection->end(false);
}

}  // namespace geoloom::http
