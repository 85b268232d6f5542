// SPDX-License-Identifier: Apache-2.0
#include "engine/run_control.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "workflow/parameters.h"

namespace geoloom::engine {
namespace {

using workflow::Json;

constexpr int kControlVersion = 1;
constexpr size_t kLargestBytes = size_t{1} << 20;

std::string folder_of(const std::string& run_id) {
  return "runs/" + run_id + "/control/";
}

// The name says which, so that one listing suffices where there is none.
std::string object_of(const std::string& run_id, Hold hold) {
  return folder_of(run_id) + name_of(hold) + ".json";
}

std::string text_at(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// Whatever is in it, its name says what is wanted.
RunControl control_from(Hold hold, const std::string& bytes) {
  RunControl control{hold, {}, {}, {}};
  const auto json = Json::parse(bytes, nullptr, false);
  if (!json.is_object()) return control;
  control.by = text_at(json, "by");
  control.time = text_at(json, "time");
  control.reason = text_at(json, "reason");
  return control;
}

}  // namespace

const char* name_of(Hold hold) {
  return hold == Hold::paused ? "paused" : "cancelled";
}

std::string RunControl::text() const {
  std::string text = name_of(hold);
  if (!by.empty()) text += " by " + by;
  if (!time.empty()) text += " at " + time;
  if (!reason.empty()) text += ": " + reason;
  return text;
}

std::string this_person() {
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  getpwuid_r(geteuid(), &entry, buffer.data(), buffer.size(), &found);
  std::array<char, 256> host{};
  gethostname(host.data(), host.size() - 1);
  const std::string name = found != nullptr ? found->pw_name : fmt::format("{}", geteuid());
  return fmt::format("{}@{}", name, host.data());
}

std::optional<RunControl> read_control(const store::Store& store, const std::string& run_id) {
  const auto names = store.list(folder_of(run_id));
  for (const auto hold : {Hold::cancelled, Hold::paused}) {
    const auto name = object_of(run_id, hold);
    if (std::find(names.begin(), names.end(), name) == names.end()) continue;
    try {
      return control_from(hold, store.get_bytes(name, kLargestBytes));
    } catch (const Error& error) {
      // Cleared a moment ago.
      if (error.code() != ErrorCode::missing) throw;
    }
  }
  return std::nullopt;
}

void write_control(store::Store& store, const std::string& run_id, const RunControl& control) {
  const Json json{{"geoloom_control", kControlVersion},
                  {"by", control.by},
                  {"time", control.time},
                  {"reason", control.reason}};
  store.put_bytes(json.dump() + "\n", object_of(run_id, control.hold));
}

void clear_control(store::Store& store, const std::string& run_id) {
  for (const auto& name : store.list(folder_of(run_id))) store.remove(name);
}

ControlWatch::ControlWatch(const store::Store& store, std::string run_id,
                           std::chrono::milliseconds interval, Held held, Troubled troubled)
    : store_(store),
      run_id_(std::move(run_id)),
      interval_(interval),
      held_(std::move(held)),
      troubled_(std::move(troubled)) {
  if (interval_.count() <= 0) return;
  watcher_ = std::thread([this] {
    std::unique_lock lock(mutex_);
    while (!over_) {
      lock.unlock();
      look();
      lock.lock();
      changed_.wait_for(lock, interval_, [this] { return over_; });
    }
  });
}

ControlWatch::~ControlWatch() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  changed_.notify_all();
  if (watcher_.joinable()) watcher_.join();
}

void ControlWatch::look() {
  try {
    const auto control = read_control(store_, run_id_);
    if (control && control->hold != told_) {
      told_ = control->hold;
      held_(*control);
    }
  } catch (const Error& error) {
    if (!told_of_trouble_) troubled_(error);
    told_of_trouble_ = true;
  }
}

std::optional<RunControl> ControlPoll::current() {
  const std::lock_guard lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  if (!looked_ || now - *looked_ >= interval_) {
    known_ = read_control(store_, run_id_);
    looked_ = now;
  }
  return known_;
}

}  // namespace geoloom::engine
