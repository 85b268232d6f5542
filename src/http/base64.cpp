// SPDX-License-Identifier: Apache-2.0
#include "http/base64.h"

#include <array>
#include <cstdint>

namespace geoloom::http {
namespace {

std::string_view letters(Base64 alphabet) {
  return alphabet == Base64::url
             ? "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
             : "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
}

constexpr uint8_t kNoDigit = 255;

std::array<uint8_t, 256> digits_of(Base64 alphabet) {
  std::array<uint8_t, 256> digits{};
  digits.fill(kNoDigit);
  const auto text = letters(alphabet);
  for (size_t i = 0; i < text.size(); ++i)
    digits[static_cast<unsigned char>(text[i])] = static_cast<uint8_t>(i);
  return digits;
}

// Without the padding; nullopt when it is wrong.
std::optional<std::string_view> unpadded(std::string_view text, Base64 alphabet) {
  size_t padding = 0;
  while (padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  if (padding == 0) return text;
  if (alphabet == Base64::url || padding > 2 || text.size() % 4 != 0) return std::nullopt;
  return text.substr(0, text.size() - padding);
}

}  // namespace

std::string encode_base64(std::string_view bytes, Base64 alphabet) {
  const auto text = letters(alphabet);
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  uint32_t bits = 0;
  int count = 0;
  for (const char c : bytes) {
    bits = bits << 8 | static_cast<unsigned char>(c);
    for (count += 8; count >= 6; count -= 6) out += text[bits >> (count - 6) & 63];
  }
  if (count > 0) out += text[bits << (6 - count) & 63];
  while (alphabet == Base64::standard && out.size() % 4 != 0) out += '=';
  return out;
}

std::optional<std::string> decode_base64(std::string_view text, Base64 alphabet) {
  static const auto standard = digits_of(Base64::standard), url = digits_of(Base64::url);
  const auto& digits = alphabet == Base64::url ? url : standard;
  const auto body = unpadded(text, alphabet);
  if (!body || body->size() % 4 == 1) return std::nullopt;
  std::string out;
  out.reserve(body->size() * 3 / 4);
  uint32_t bits = 0;
  int count = 0;
  for (const char c : *body) {
    const auto digit = digits[static_cast<unsigned char>(c)];
    if (digit == kNoDigit) return std::nullopt;
    bits = bits << 6 | digit;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>(bits >> count & 255);
  }
  // Two texts for the same bytes would be two tokens of one signature.
  if ((bits & ((1U << count) - 1)) != 0) return std::nullopt;
  return out;
}

}  // namespace geoloom::http
