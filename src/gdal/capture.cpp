// SPDX-License-Identifier: Apache-2.0
#include <cpl_conv.h>
#include <cpl_vsi_error.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "error/message_log.h"
#include "gdal/access_hints.h"
#include "gdal/handles.h"

namespace geoloom::gdal {
namespace {

bool has(std::string_view text, std::string_view part) {
  return std::search(text.begin(), text.end(), part.begin(), part.end(), [](char a, char b) {
           return std::tolower(static_cast<unsigned char>(a)) ==
                  std::tolower(static_cast<unsigned char>(b));
         }) != text.end();
}

template <size_t N>
bool has_any(std::string_view text, const std::array<std::string_view, N>& parts) {
  return std::any_of(parts.begin(), parts.end(),
                     [text](std::string_view part) { return has(text, part); });
}

constexpr std::array<std::string_view, 9> kDataMissing{
    "premature end", "corrupt",     "truncated",      "too short",        "not enough data",
    "short read",    "got 0 bytes", "unexpected end", "invalid tile part"};
constexpr std::array<std::string_view, 8> kWriteFailed{
    "_tiffWriteProc",   "Write error",  "no space left",  "file too large",
    "IO error writing", "cannot write", "quota exceeded", "_tiffSeekProc"};
constexpr std::array<std::string_view, 4> kUnsupported{"missing codec", "not supported",
                                                       "unsupported", "not configured"};
constexpr std::array<std::string_view, 3> kNoMemory{"out of memory", "cannot allocate",
                                                    "unable to allocate"};
constexpr std::array<std::string_view, 18> kDeniedNames{"AccessDenied",
                                                        "InvalidAccessKeyId",
                                                        "SignatureDoesNotMatch",
                                                        "ExpiredToken",
                                                        "AuthorizationHeaderMalformed",
                                                        "AWS_SECRET_ACCESS_KEY",
                                                        "AllAccessDisabled",
                                                        "InvalidToken",
                                                        "RequestTimeTooSkewed",
                                                        "PermanentRedirect",
                                                        "TokenRefreshRequired",
                                                        "UserProjectMissing",
                                                        "AuthenticationFailed",
                                                        "AuthorizationFailure",
                                                        "GS_SECRET_ACCESS_KEY",
                                                        "AZURE_STORAGE_ACCOUNT",
                                                        "<Code>Unauthorized",
                                                        "<Code>Forbidden"};
constexpr std::array<std::string_view, 4> kMissingNames{"NoSuchKey", "NoSuchBucket", "BlobNotFound",
                                                        "ContainerNotFound"};

std::optional<int> number_after(std::string_view text, std::string_view label) {
  const size_t at = text.find(label);
  if (at == std::string_view::npos) return std::nullopt;
  int value = 0;
  const char* begin = text.data() + at + label.size();
  const auto parsed = std::from_chars(begin, text.data() + text.size(), value);
  if (parsed.ec != std::errc()) return std::nullopt;
  return value;
}

// "response_code=503" and "HTTP response code on URL: 503"; 0 is no answer at all.
std::optional<int> http_status(std::string_view text) {
  if (const auto status = number_after(text, "response_code=")) return status;
  if (const auto status = number_after(text, "HTTP response code: ")) return status;
  if (text.find("HTTP response code on ") == std::string_view::npos) return std::nullopt;
  return number_after(text.substr(text.rfind(": ")), ": ");
}

std::string_view between(std::string_view text, std::string_view open, std::string_view close) {
  const size_t at = text.find(open);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = text.substr(at + open.size());
  return rest.substr(0, rest.find(close));
}

// "<Code>SlowDown</Code><Message>...": what object stores say, in their own words.
std::string words_of_server(std::string_view answer) {
  const auto code = between(answer, "<Code>", "</Code>");
  if (code.empty()) return {};
  const auto message = between(answer, "<Message>", "</Message>");
  return fmt::format("{}{}{}", code, message.empty() ? "" : ": ", message);
}

// The stack of captures of this thread; GDAL's own user data would need a cast from void*.
thread_local std::vector<Capture*> active;

}  // namespace

std::optional<ErrorCode> code_of_status(int status) {
  // 400 is what object stores say to keys and tokens that have expired or are malformed.
  if (status == 400 || status == 401 || status == 403 || status == 407) return ErrorCode::denied;
  if (status == 404 || status == 410) return ErrorCode::missing;
  // Past the end of an object: the reader asked for bytes that are not there.
  if (status == 416 || (status >= 200 && status < 300)) return std::nullopt;
  return ErrorCode::unavailable;
}

ThreadOption::ThreadOption(const char* name, const char* value) : name_(name) {
  if (const char* previous = CPLGetThreadLocalConfigOption(name, nullptr)) previous_ = previous;
  CPLSetThreadLocalConfigOption(name, value);
}

ThreadOption::~ThreadOption() {
  CPLSetThreadLocalConfigOption(name_, previous_ ? previous_->c_str() : nullptr);
}

Capture::Capture(const std::string& path) : path_(path), remote_(is_remote(path)) {
  active.push_back(this);
  CPLPushErrorHandler(&Capture::on_message);
  if (!remote_) return;
  debug_.emplace("CPL_DEBUG", "ON");
  VSIErrorReset();
}

Capture::~Capture() {
  debug_.reset();
  CPLPopErrorHandler();
  CPLErrorReset();
  active.pop_back();
}

void CPL_STDCALL Capture::on_message(CPLErr level, CPLErrorNum /*number*/, const char* text) {
  try {
    if (!active.empty() && text != nullptr) active.back()->note(level, text);
  } catch (...) {  // out of memory in a C callback: the return value of the call still tells
  }
}

void Capture::note(CPLErr level, std::string_view text) {
  if (remote_) note_remote(text);
  if (level == CE_Debug) return;
  tell(level >= CE_Failure ? MessageLevel::error : MessageLevel::warning,
       path_.empty() ? std::string(text) : fmt::format("{}: {}", path_, text));
  if (has_any(text, kWriteFailed)) write_failed_ = true;
  if (has_any(text, kDataMissing)) data_missing_ = true;
  // The first failure is the cause, the later ones follow from it; any failure beats a warning.
  const bool failure = level >= CE_Failure;
  if (text_.empty() || (failure && !failed_)) text_ = std::string(text.substr(0, 500));
  failed_ = failed_ || failure;
}

void Capture::note_remote(std::string_view text) {
  std::optional<ErrorCode> code;
  if (has_any(text, kDeniedNames))
    code = ErrorCode::denied;
  else if (has_any(text, kMissingNames))
    code = ErrorCode::missing;
  else if (const auto status = http_status(text))
    code = code_of_status(*status);
  // A listing tells no status; one that follows a failed look-up knows less than that did.
  else if (!remote_code_ &&
           (has(text, "<Error>") || has(text, "curl error") || has(text, ": (null)")))
    code = ErrorCode::unavailable;
  if (!code) return;
  remote_code_ = code;
  remote_text_ = std::string(text.substr(0, 500));
  std::replace(remote_text_.begin(), remote_text_.end(), '\n', ' ');
}

bool Capture::without_credentials() const {
  return remote_ && !remote_code_ && VSIGetLastErrorNo() != VSIE_None &&
         has_any(VSIGetLastErrorMsg(), kDeniedNames);
}

Error Capture::error(ErrorCode otherwise, std::string message) const {
  ErrorCode code = otherwise;
  std::string cause = text_;
  if (remote_code_) {
    code = *remote_code_;
    if (cause.empty() || !failed_) cause = remote_text_;
    if (auto words = words_of_server(remote_text_); !words.empty()) cause = std::move(words);
  } else if (without_credentials()) {
    code = ErrorCode::denied;
    cause = VSIGetLastErrorMsg();
  } else if (write_failed_ || has_any(text_, kNoMemory)) {
    code = ErrorCode::resource;
  } else if (code == ErrorCode::corrupt && has_any(text_, kUnsupported)) {
    code = ErrorCode::invalid;
  }
  Place place;
  place.file = path_;
  return Error(code, std::move(message))
      .at(place)
      .cause(cause)
      .hint(access_hint(path_, code, remote_text_.empty() ? cause : remote_text_));
}

}  // namespace geoloom::gdal
