// SPDX-License-Identifier: Apache-2.0
// geoloom serve
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <thread>

#include "catalog/href.h"
#include "cli/commands.h"
#include "cli/document_arguments.h"
#include "cli/stop_signal.h"
#include "engine/item_handler.h"
#include "gdal/allowed_roots.h"
#include "gdal/dataset.h"
#include "serve/median_tasks.h"
#include "serve/run_tasks.h"
#include "serve/served_maps.h"
#include "serve/service.h"

namespace geoloom::cli {
namespace {

using serve::Severity;
using Clock = serve::TaskGate::Clock;

constexpr size_t kOpenMapFiles = 512;

struct ServeArguments {
  std::string address, secret_variable = "GEOLOOM_TOKEN";
  int port = 0;
  std::vector<std::string> read, write;
  unsigned tasks = 0;
  size_t queue = 8;
  double queue_seconds = 20, drain_seconds = 8;
  http::TokenRules tokens;
  bool open_to_all = false, acknowledge = false, array_files = false;
  std::string record;
  std::string profile = R"({"compress": "jpeg", "quality": 90, "block": 256})";
  size_t connections = 1024;
  std::vector<std::string> maps;  // NAME=PATH or PATH
  std::string public_url;
  MachineArguments machine;
};

uint16_t port_of(const ServeArguments& arguments) {
  if (arguments.port > 0) return static_cast<uint16_t>(arguments.port);
  const char* given = std::getenv("PORT");
  if (!given || !*given) return 8080;
  char* end = nullptr;
  const long port = std::strtol(given, &end, 10);
  if (*end != '\0' || port < 1 || port > 65535)
    throw Error(ErrorCode::invalid, fmt::format("PORT={} in the environment is no port", given));
  return static_cast<uint16_t>(port);
}

serve::Authentication authentication_of(const ServeArguments& arguments) {
  std::optional<http::SharedSecret> secret;
  if (const char* value = std::getenv(arguments.secret_variable.c_str()); value && *value)
    secret.emplace(value);
  std::optional<http::TokenRules> rules;
  if (!arguments.tokens.key_file.empty()) rules = arguments.tokens;
  return {std::move(secret), std::move(rules)};
}

bool loopback(const std::string& address) {
  return address.starts_with("127.") || address == "::1";
}

// In a container the platform names the port, and connects from outside.
std::string address_of(const ServeArguments& arguments) {
  if (!arguments.address.empty()) return arguments.address;
  const char* port = std::getenv("PORT");
  return port && *port ? "0.0.0.0" : "127.0.0.1";
}

void check_who_may_come(const ServeArguments& arguments, const serve::Authentication& who,
                        const std::string& address) {
  if (who.required() || arguments.open_to_all || loopback(address)) return;
  throw Error(ErrorCode::invalid, fmt::format("anybody who reaches {} could send tasks", address))
      .hint(fmt::format("put a secret into ${}, give --push-keys, or say --open-to-all where the "
                        "platform checks who calls",
                        arguments.secret_variable));
}

// NAME=PATH; a path alone is called as its last part without the ending.
std::string place_of_map(const std::string& text) {
  const auto equals = text.find('=');
  const auto place = equals == std::string::npos ? text : text.substr(equals + 1);
  return catalog::absolute_path(place);
}

std::string name_of_map(const std::string& text) {
  const auto equals = text.find('=');
  if (equals != std::string::npos) return text.substr(0, equals);
  auto place = place_of_map(text);
  while (place.size() > 1 && place.back() == '/') place.pop_back();
  const auto name = catalog::file_name_of(place);
  return catalog::is_image_name(name) ? name.substr(0, name.rfind('.')) : name;
}

std::vector<std::unique_ptr<serve::Resource>> resources_of(const ServeArguments& arguments,
                                                           raster::AssetPool& pool) {
  std::vector<std::unique_ptr<serve::Resource>> resources;
  if (arguments.maps.empty()) return resources;
  std::vector<serve::NamedMap> maps;
  for (const auto& map : arguments.maps)
    maps.push_back(
        {name_of_map(map), render::Map::open(catalog::gdal_path(place_of_map(map)), pool)});
  resources.push_back(std::make_unique<serve::ServedMaps>(std::move(maps), arguments.public_url));
  return resources;
}

gdal::AllowedRoots roots_of(const ServeArguments& arguments) {
  if (arguments.write.empty() && arguments.maps.empty())
    throw Error(ErrorCode::invalid, "there is nothing to serve")
        .hint(
            "give --map FILE or FOLDER to show maps; for tasks, --write FOLDER or "
            "--write s3://bucket/prefix, and --read for archives");
  auto roots = gdal::AllowedRoots{arguments.read, arguments.write, arguments.array_files};
  for (const auto& map : arguments.maps) roots.read.push_back(place_of_map(map));
  if (!arguments.record.empty()) roots.write.push_back(arguments.record);
  // Stores write their write test, manifests and receipts below themselves only.
  return roots;
}

engine::MachineOptions machine_of(const ServeArguments& arguments) {
  engine::MachineOptions options = arguments.machine.options();
  const auto remote = [](const std::string& root) { return root.find("://") != std::string::npos; };
  const bool network = std::any_of(arguments.read.begin(), arguments.read.end(), remote) ||
                       std::any_of(arguments.write.begin(), arguments.write.end(), remote);
  if (!options.reads && network) options.reads = engine::kNetworkReads;
  return options;
}

serve::ServiceOptions options_of(const ServeArguments& arguments, unsigned at_once) {
  serve::ServiceOptions options;
  options.address = address_of(arguments);
  options.port = port_of(arguments);
  options.limits.connections = arguments.connections;
  options.looking.running = at_once;
  options.gate.running = at_once;
  options.gate.waiting = arguments.queue;
  options.gate.patience =
      std::chrono::milliseconds(static_cast<int64_t>(arguments.queue_seconds * 1000));
  options.acknowledge_permanent = arguments.acknowledge;
  if (arguments.acknowledge && arguments.record.empty())
    throw Error(ErrorCode::invalid, "--acknowledge-permanent would lose what was given up")
        .hint("give --record STORE, where it is written down");
  return options;
}

workflow::Json profile_of(const ServeArguments& arguments) {
  auto profile = workflow::Json::parse(arguments.profile, nullptr, false);
  if (!profile.is_object())
    throw Error(ErrorCode::invalid, "--median-profile is not a JSON object")
        .hint(R"(as in --median-profile '{"compress": "deflate"}')");
  return profile;
}

// Until a signal, and then until the last task has ended.
int serve_until_stopped(serve::Service& service, serve::Journal& journal,
                        const ServeArguments& arguments, std::atomic<bool>& stop) {
  const auto& asked = stop_on_signals("");
  while (!asked.load()) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  journal.log(Severity::info, "stopping: no new tasks are taken");
  const auto patience = std::chrono::duration<double>(arguments.drain_seconds);
  const auto until = Clock::now() + std::chrono::duration_cast<Clock::duration>(patience);
  if (!service.drain(until)) {
    journal.log(Severity::warning, "tasks still run; they are stopped and refused");
    stop.store(true);
    (void)service.drain(Clock::now() + std::chrono::minutes(1));
  }
  journal.log(Severity::info, "stopped",
              {{"done", service.tasks_done()}, {"failed", service.tasks_failed()}});
  return kExitSuccess;
}

int serve_tasks(const ServeArguments& arguments, const Commands& commands) {
  const auto machine_options = machine_of(arguments);
  const auto who = authentication_of(arguments);
  check_who_may_come(arguments, who, address_of(arguments));
  const auto profile = profile_of(arguments);
  gdal::initialise();
  const gdal::AccessRestriction restriction(roots_of(arguments));
  engine::Machine machine(machine_options);
  const unsigned at_once =
      arguments.tasks ? arguments.tasks : std::max(1U, machine.options().threads);
  const auto options = options_of(arguments, at_once);
  std::unique_ptr<store::Store> record_store;
  std::optional<serve::RefusalRecord> refusals;
  if (!arguments.record.empty()) {
    record_store = store::open_store(arguments.record);
    refusals.emplace(*record_store);
  }
  std::atomic<bool> stop{false};
  serve::Journal journal;
  serve::OpenRuns runs(commands.registry, machine, stop);
  std::vector<std::unique_ptr<serve::TaskRoute>> routes;
  if (!arguments.write.empty()) {
    routes.push_back(std::make_unique<serve::RunTasks>(runs, at_once));
    routes.push_back(
        std::make_unique<serve::MedianTasks>(commands.registry, machine, profile, at_once, stop));
  }
  raster::AssetPool pool(kOpenMapFiles);
  serve::Service service(options, who, std::move(routes), resources_of(arguments, pool),
                         refusals ? &*refusals : nullptr, journal);
  journal.log(Severity::info, "ready",
              {{"address", options.address},
               {"port", service.port()},
               {"build", engine::build_identity()},
               {"tasks_at_once", at_once},
               {"authentication", who.required()},
               {"memory_bytes", machine.options().memory_bytes}});
  return serve_until_stopped(service, journal, arguments, stop);
}

void add_access(CLI::App& command, ServeArguments& arguments) {
  command.add_option("--read", arguments.read,
                     "A folder or address prefix that tasks may read; repeat it for more");
  command.add_option(
      "--write", arguments.write,
      "A folder or address prefix that tasks may read and write; repeat it for more");
  command.add_flag("--array-files", arguments.array_files,
                   "Tasks may read netCDF, HDF and Zarr: their libraries are much code, and an "
                   "HDF file may name others anywhere on this machine");
  command.add_option("--token-variable", arguments.secret_variable,
                     "Environment variable with the secret that senders give as a bearer token; "
                     "default GEOLOOM_TOKEN");
  command.add_option("--push-keys", arguments.tokens.key_file,
                     "Public keys (JWK set or PEM) of who signs the senders' tokens");
  command.add_option("--push-issuer", arguments.tokens.issuers,
                     "Who must have signed, as in https://accounts.google.com");
  command.add_option("--push-audience", arguments.tokens.audiences,
                     "For whom: usually the address of this service");
  command.add_option("--push-email", arguments.tokens.emails,
                     "Only these accounts; repeat it for more");
  command.add_flag("--open-to-all", arguments.open_to_all,
                   "Take tasks from anybody who reaches the address");
}

void add_flow(CLI::App& command, ServeArguments& arguments) {
  command.add_option("--tasks", arguments.tasks, "Tasks at once; default: as many as threads")
      ->check(CLI::Range(1, 1024));
  command.add_option("--queue", arguments.queue, "Tasks that may wait for their turn")
      ->check(CLI::Range(0, 100000));
  command
      .add_option("--queue-seconds", arguments.queue_seconds,
                  "How long a task waits before it is refused with 429")
      ->check(CLI::Range(0.0, 3600.0));
  command
      .add_option("--drain-seconds", arguments.drain_seconds,
                  "After SIGTERM: how long tasks under way may take to end")
      ->check(CLI::Range(0.0, 3600.0));
  command.add_option("--connections", arguments.connections, "Connections at once")
      ->check(CLI::Range(1, 100000));
  command.add_flag("--acknowledge-permanent", arguments.acknowledge,
                   "Answer 200 to tasks that cannot succeed, once they are recorded");
  command.add_option("--record", arguments.record,
                     "Store where tasks that were given up are written down");
}

}  // namespace

void add_serve(CLI::App& app, Commands& commands) {
  auto* command =
      app.add_subcommand("serve", "Show maps, and take tasks and carry them out, by HTTP");
  const auto arguments = std::make_shared<ServeArguments>();
  command->add_option("--address", arguments->address,
                      "Address to listen on; default 127.0.0.1, with $PORT 0.0.0.0");
  command->add_option("--port", arguments->port, "Port to listen on; default $PORT, else 8080")
      ->check(CLI::Range(1, 65535));
  command->add_option(
      "--map", arguments->maps,
      "A GeoTIFF, or a folder of them side by side, to show as NAME=PATH; repeat it "
      "for more");
  command->add_option("--public-url", arguments->public_url,
                      "The address by which clients reach this service, where it is another one");
  add_access(*command, *arguments);
  add_flow(*command, *arguments);
  command->add_option("--median-profile", arguments->profile,
                      "How POST /median encodes files, as in save: {profile: ...}, in JSON");
  arguments->machine.add_to(*command);
  command->callback(
      [arguments, &commands] { commands.exit_code = serve_tasks(*arguments, commands); });
}

}  // namespace geoloom::cli
