// SPDX-License-Identifier: Apache-2.0
#include "store/transfer.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <map>
#include <mutex>
#include <thread>

#include "gdal/dataset.h"
#include "store/checksum.h"
#include "store/store.h"

namespace geoloom::store {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMd5Digits = 32;
constexpr std::chrono::milliseconds kFirstPause{500};

bool is_bucket(const std::string& path) {
  return path.starts_with("/vsi");
}

std::string without_slash(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

std::string below(const std::string& folder, const std::string& name) {
  return without_slash(folder) + "/" + name;
}

std::string last_part(const std::string& path) {
  const auto plain = without_slash(path);
  return plain.substr(plain.rfind('/') + 1);
}

// The ETag of an object that went up in one piece is its MD5; of others it is something else.
bool is_md5(const std::string& etag) {
  return etag.size() == kMd5Digits &&
         etag.find_first_not_of("0123456789abcdef") == std::string::npos;
}

std::string md5_of(const Object& object, const std::string& path) {
  if (is_bucket(path)) return is_md5(object.etag) ? object.etag : std::string();
  return md5_hex_of_file(path);
}

bool differs(const Object& from, const std::string& from_path, const Object& to,
             const std::string& to_path) {
  if (from.bytes != to.bytes) return true;
  const bool both_tell = (!is_bucket(from_path) || is_md5(from.etag)) &&
                         (!is_bucket(to_path) || is_md5(to.etag)) &&
                         (is_bucket(from_path) || is_bucket(to_path));
  if (both_tell) return md5_of(from, from_path) != md5_of(to, to_path);
  return from.modified_s > to.modified_s;
}

Object object_at(const std::string& path) {
  const auto status = gdal::file_status(path);
  if (!status || status->directory)
    throw Error(ErrorCode::missing, "there is no such object")
        .at({.file = path})
        .hint("for a folder or prefix, say --recursive");
  return {last_part(path), status->size, status->modified_s, status->etag};
}

void refuse_overlap(const std::string& from, const std::string& to) {
  const auto plain = [](const std::string& path) {
    return is_bucket(path) ? without_slash(path)
                           : without_slash(fs::weakly_canonical(fs::absolute(path)).string());
  };
  const auto a = plain(from), b = plain(to);
  if (a == b || b.starts_with(a + "/") || a.starts_with(b + "/"))
    throw Error(ErrorCode::invalid, fmt::format("'{}' and '{}' lie in each other", from, to));
}

void refuse_whole_disks(const std::string& path) {
  if (is_bucket(path)) return;
  const auto place = fs::weakly_canonical(fs::absolute(path));
  const char* home = std::getenv("HOME");
  const bool holds_us = fs::current_path().string().starts_with(place.string());
  if (place == place.root_path() || holds_us || (home && place == fs::path(home)))
    throw Error(ErrorCode::denied, "this folder holds more than results; it is not removed")
        .at({.file = place.string()})
        .hint("name a folder below it");
}

void remove(const Transfer& transfer) {
  gdal::remove_file(transfer.to);
  if (is_bucket(transfer.to)) return;
  // Folders that are empty now go too; the first that is not ends it.
  std::error_code failed;
  auto folder = fs::path(transfer.to).parent_path();
  for (int depth = static_cast<int>(std::count(transfer.name.begin(), transfer.name.end(), '/'));
       depth > 0 && fs::remove(folder, failed); --depth)
    folder = folder.parent_path();
}

void verify(const Transfer& transfer, const std::string& local_path) {
  const auto made = gdal::file_status(transfer.to);
  if (!made || made->size != transfer.bytes)
    throw Error(ErrorCode::unavailable,
                fmt::format("the copy has {} bytes, and {} were to be copied",
                            made ? made->size : 0, transfer.bytes))
        .at({.file = transfer.to})
        .hint("it may have changed meanwhile; copy it again");
  if (!local_path.empty() && is_md5(made->etag) && made->etag != md5_hex_of_file(local_path))
    throw Error(ErrorCode::corrupt, "the copy has another checksum").at({.file = transfer.to});
}

// By way of a local file, so that a source that breaks off leaves nothing at the target.
void copy(const Transfer& transfer) {
  const bool to_bucket = is_bucket(transfer.to);
  if (!to_bucket) {
    std::error_code ignored;
    fs::create_directories(fs::path(transfer.to).parent_path(), ignored);
  }
  if (!is_bucket(transfer.from)) {
    gdal::copy_into(transfer.from, transfer.to);
    return verify(transfer, to_bucket ? transfer.from : std::string());
  }
  const auto parent = fs::path(transfer.to).parent_path();
  const Scratch scratch(to_bucket ? remote_scratch_parent() : (parent / ".scratch").string());
  const auto local = scratch.file("object");
  gdal::copy_into(transfer.from, local);
  verify({.to = local, .bytes = transfer.bytes}, "");
  if (is_md5(transfer.etag) && md5_hex_of_file(local) != transfer.etag)
    throw Error(ErrorCode::unavailable, "what was read has another checksum")
        .at({.file = transfer.from})
        .hint("it may have changed meanwhile; copy it again");
  if (to_bucket) {
    gdal::copy_into(local, transfer.to);
    return verify(transfer, local);
  }
  gdal::move_file(local, transfer.to);
}

void carry_out_one(const Transfer& transfer, int attempts) {
  for (int attempt = 1;; ++attempt) {
    try {
      return transfer.kind == Transfer::Kind::copy ? copy(transfer) : remove(transfer);
    } catch (const Error& error) {
      if (attempt >= attempts || traits(error.code()).retry != RetryClass::with_backoff) throw;
    }
    std::this_thread::sleep_for(kFirstPause * (1 << (attempt - 1)));
  }
}

size_t carry_out_all(const std::vector<const Transfer*>& transfers,
                     const TransferOptions& options) {
  std::atomic<size_t> next{0}, failures{0};
  std::mutex mutex;
  const auto work = [&] {
    for (size_t i = next++; i < transfers.size(); i = next++) {
      const Transfer& transfer = *transfers[i];
      try {
        carry_out_one(transfer, options.attempts);
        const std::lock_guard lock(mutex);
        if (options.done) options.done(transfer);
      } catch (const Error& error) {
        ++failures;
        const std::lock_guard lock(mutex);
        if (options.failed) options.failed(transfer, error);
      }
    }
  };
  std::vector<std::jthread> threads;
  const size_t count = std::min<size_t>(std::max(1U, options.at_a_time), transfers.size());
  for (size_t i = 1; i < count; ++i) threads.emplace_back(work);
  work();
  threads.clear();
  return failures;
}

int64_t bytes_of(const std::vector<Transfer>& transfers, Transfer::Kind kind) {
  int64_t sum = 0;
  for (const auto& transfer : transfers)
    if (transfer.kind == kind) sum += transfer.bytes;
  return sum;
}

}  // namespace

int64_t TransferPlan::bytes_to_copy() const {
  return bytes_of(transfers, Transfer::Kind::copy);
}
int64_t TransferPlan::bytes_to_remove() const {
  return bytes_of(transfers, Transfer::Kind::remove);
}

std::vector<Object> list_objects(const std::string& path, bool recursive) {
  std::vector<Object> objects;
  const auto status = path.ends_with('/') ? std::nullopt : gdal::file_status(path);
  if (status && !status->directory)
    objects.push_back({last_part(path), status->size, status->modified_s, status->etag});
  if (objects.empty() || is_bucket(path))
    for (const auto& entry : gdal::list_entries(path, recursive))
      if (!entry.name.ends_with('/'))
        objects.push_back({entry.name, entry.size, entry.modified_s, entry.etag});
  if (objects.empty() && (is_bucket(path) || !status))
    throw Error(ErrorCode::missing, "there is nothing at this place").at({.file = path});
  return objects;
}

TransferPlan plan_copy(const std::string& from, const std::string& to, bool recursive) {
  TransferPlan plan;
  if (!recursive) {
    const auto object = object_at(from);
    const auto status = to.ends_with('/') || is_bucket(to) ? std::nullopt : gdal::file_status(to);
    const bool into = to.ends_with('/') || (status && status->directory);
    const auto target = into ? below(to, object.name) : to;
    refuse_overlap(from, target);
    plan.transfers.push_back(
        {Transfer::Kind::copy, object.name, from, target, object.bytes, object.etag});
    return plan;
  }
  refuse_overlap(from, to);
  for (const auto& object : list_objects(without_slash(from) + "/", true))
    plan.transfers.push_back({Transfer::Kind::copy, object.name, below(from, object.name),
                              below(to, object.name), object.bytes, object.etag});
  return plan;
}

TransferPlan plan_sync(const std::string& from, const std::string& to, bool remove_others) {
  TransferPlan plan = plan_copy(from, to, true);
  std::map<std::string, Object> there;
  try {
    for (auto& object : list_objects(without_slash(to) + "/", true)) there[object.name] = object;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::missing) throw;
  }
  const auto same = [&](const Transfer& transfer) {
    const auto found = there.find(transfer.name);
    if (found == there.end()) return false;
    const Object target = found->second;
    there.erase(found);
    const auto status = gdal::file_status(transfer.from);
    const Object source{transfer.name, transfer.bytes, status ? status->modified_s : 0,
                        transfer.etag};
    return status && !differs(source, transfer.from, target, transfer.to);
  };
  plan.unchanged = std::erase_if(plan.transfers, same);
  if (remove_others)
    for (const auto& [name, object] : there)
      plan.transfers.push_back(
          {Transfer::Kind::remove, name, "", below(to, name), object.bytes, object.etag});
  return plan;
}

TransferPlan plan_removal(const std::string& path, bool recursive) {
  TransferPlan plan;
  if (!recursive) {
    const auto object = object_at(path);
    plan.transfers.push_back(
        {Transfer::Kind::remove, object.name, "", path, object.bytes, object.etag});
    return plan;
  }
  refuse_whole_disks(path);
  for (const auto& object : list_objects(without_slash(path) + "/", true))
    plan.transfers.push_back({Transfer::Kind::remove, object.name, "", below(path, object.name),
                              object.bytes, object.etag});
  return plan;
}

size_t carry_out(const TransferPlan& plan, const TransferOptions& options) {
  std::vector<const Transfer*> copies, removals;
  for (const auto& transfer : plan.transfers)
    (transfer.kind == Transfer::Kind::copy ? copies : removals).push_back(&transfer);
  const size_t failures = carry_out_all(copies, options);
  return failures > 0 ? failures : carry_out_all(removals, options);
}

}  // namespace geoloom::store
