// SPDX-License-Identifier: Apache-2.0
// Keeps passwords and signatures out of messages, logs and records.
#pragma once

#include <string>
#include <string_view>

namespace geoloom {

// The text with these values replaced by "***": user names and passwords of addresses
// (https://user:word@host), query parameters whose name tells of a secret (sig, X-Amz-Signature,
// token, key, credential, ...), and what follows Authorization:, Bearer and x-amz-security-token:.
// The rest stays, so that a signed address can still be told from others. Error applies it to
// everything it is given.
std::string without_secrets(std::string_view text);

// From now on without_secrets() replaces this value as well, wherever it stands. Values of fewer
// than 6 characters are left: they would blot out innocent text. Thread-safe.
void keep_secret(const std::string& value);

}  // namespace geoloom
