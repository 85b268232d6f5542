// SPDX-License-Identifier: Apache-2.0
// How a task arrives: its JSON as it is, or wrapped as a push queue delivers it.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "workflow/parameters.h"

namespace geoloom::serve {

struct Delivery {
  workflow::Json payload;
  bool wrapped = false;
  // Of wrapped ones, as far as the envelope says.
  std::string message_id, publish_time, subscription;
  std::map<std::string, std::string> attributes;
  int attempt = 0;  // from 1; 0: not said, which is so unless a dead-letter policy is set
};

// Takes apart {"message": {"data": <base64 of the payload>, "messageId" or "message_id",
// "publishTime" or "publish_time", "attributes"}, "subscription", "deliveryAttempt" or
// "delivery_attempt"}; further keys are ignored. An object without "message" is the payload itself.
// Nothing is believed of the envelope that the payload could not also say. Throws Error(invalid):
// no JSON, no object, bad base64, no JSON inside, nested too deep.
Delivery read_delivery(std::string_view body);

}  // namespace geoloom::serve
