// SPDX-License-Identifier: Apache-2.0
#include "http/secret_value.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "error/error.h"
#include "error/secrets.h"

extern char** environ;

namespace geoloom::http {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kLongestOutput = size_t{1} << 20;
constexpr std::chrono::seconds kCommandLimit{60};

std::string environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value ? value : "";
}

std::string variable_of(const std::string& name) {
  if (!is_secret_name(name))
    throw Error(ErrorCode::invalid, "this cannot be the name of a secret")
        .hint("names of secrets are written in capitals, digits and '_': STAC_TOKEN");
  return "GEOLOOM_SECRET_" + name;
}

class Pipe {
 public:
  Pipe() {
    if (::pipe2(ends_.data(), O_CLOEXEC) != 0)
      throw Error(ErrorCode::resource, "no pipe can be opened");
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    close_end(0);
    close_end(1);
  }
  int end(size_t which) const { return ends_[which]; }
  void close_end(size_t which) {
    if (ends_[which] >= 0) ::close(ends_[which]);
    ends_[which] = -1;
  }

 private:
  std::array<int, 2> ends_{-1, -1};
};

pid_t start(const std::string& command, const Pipe& in, const Pipe& out) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in.end(0), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out.end(1), STDOUT_FILENO);
  // A group of its own, so that all it started can be ended.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  posix_spawnattr_setpgroup(&attributes, 0);
  std::string shell = "sh", flag = "-c", text = command;
  std::array<char*, 4> arguments{shell.data(), flag.data(), text.data(), nullptr};
  pid_t child = -1;
  const int failed =
      ::posix_spawn(&child, "/bin/sh", &actions, &attributes, arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) throw Error(ErrorCode::resource, "no program can be started");
  return child;
}

// Writes and reads until the command closes its output, or the time is over.
bool exchange(Pipe& in, Pipe& out, const std::string& input, Clock::time_point until,
              std::string& output) {
  ::fcntl(in.end(1), F_SETFL, O_NONBLOCK);
  size_t written = 0;
  if (input.empty()) in.close_end(1);
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now());
    if (left.count() <= 0) return false;
    std::array<pollfd, 2> ends{pollfd{out.end(0), POLLIN, 0}, pollfd{in.end(1), POLLOUT, 0}};
    if (::poll(ends.data(), ends.size(), static_cast<int>(left.count())) <= 0) continue;
    if (in.end(1) >= 0 && ends[1].revents != 0) {
      const auto count = ::write(in.end(1), input.data() + written, input.size() - written);
      if (count > 0) written += static_cast<size_t>(count);
      if (count < 0 || written == input.size()) in.close_end(1);
    }
    if (ends[0].revents == 0) continue;
    std::array<char, 4096> bytes;
    const auto count = ::read(out.end(0), bytes.data(), bytes.size());
    if (count <= 0) return true;
    output.append(bytes.data(), static_cast<size_t>(count));
    if (output.size() > kLongestOutput) return true;
  }
}

// SIGPIPE of a command that does not read must not end us; nobody else here waits for it.
class WithoutPipeSignal {
 public:
  WithoutPipeSignal() {
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, &before_);
  }
  WithoutPipeSignal(const WithoutPipeSignal&) = delete;
  WithoutPipeSignal& operator=(const WithoutPipeSignal&) = delete;
  ~WithoutPipeSignal() {
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    const timespec now{0, 0};
    sigtimedwait(&pipe, nullptr, &now);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

 private:
  sigset_t before_;
};

std::string without_line_end(std::string text) {
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  return text;
}

std::string read_secret_file(const std::string& path, const std::string& variable) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file)
    throw Error(ErrorCode::denied, "the file of a secret cannot be read")
        .at({.file = path})
        .hint(fmt::format("{}_FILE names it", variable));
  return text;
}

}  // namespace

bool is_secret_name(const std::string& name) {
  const auto proper = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !name.empty() && name.front() >= 'A' && name.front() <= 'Z' &&
         std::all_of(name.begin(), name.end(), proper);
}

std::string command_output(const std::string& command, const std::string& input,
                           std::chrono::seconds limit, const std::string& what) {
  const WithoutPipeSignal blocked;
  Pipe in, out;
  const pid_t child = start(command, in, out);
  in.close_end(0);
  out.close_end(1);
  std::string output;
  const bool in_time = exchange(in, out, input, Clock::now() + limit, output);
  const bool too_long = output.size() > kLongestOutput;
  if (!in_time || too_long) ::kill(-child, SIGKILL);
  in.close_end(1);
  out.close_end(0);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!in_time)
    throw Error(ErrorCode::unavailable,
                fmt::format("{} does not end within {} s", what, limit.count()));
  if (too_long) throw Error(ErrorCode::corrupt, fmt::format("{} prints more than 1 MiB", what));
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    throw Error(ErrorCode::denied, fmt::format("{} fails", what))
        .cause(WIFEXITED(status) ? fmt::format("exit code {}", WEXITSTATUS(status))
                                 : fmt::format("signal {}", WTERMSIG(status)));
  return output;
}

std::string secret_command(const std::string& name) {
  const auto variable = variable_of(name);
  auto command = environment(variable + "_COMMAND");
  if (command.empty())
    throw Error(ErrorCode::denied, fmt::format("there is no command '{}'", name))
        .hint(fmt::format("set {}_COMMAND in the environment", variable));
  return command;
}

std::string secret_value(const std::string& name) {
  const auto variable = variable_of(name);
  std::string value = environment(variable);
  if (value.empty()) {
    if (const auto path = environment(variable + "_FILE"); !path.empty())
      value = read_secret_file(path, variable);
    else if (const auto command = environment(variable + "_COMMAND"); !command.empty())
      value = command_output(command, "", kCommandLimit,
                             fmt::format("the command of the secret '{}'", name));
  }
  value = without_line_end(std::move(value));
  if (value.empty())
    throw Error(ErrorCode::denied, fmt::format("the secret '{}' has no value", name))
        .hint(fmt::format("set {0}, {0}_FILE or {0}_COMMAND in the environment", variable));
  keep_secret(value);
  return value;
}

}  // namespace geoloom::http
