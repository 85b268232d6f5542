// SPDX-License-Identifier: Apache-2.0
#include "workflow/item_task.h"

#include "error/error.h"

namespace geoloom::workflow {

Product ItemTaskOp::run(const TaskContext& context) const {
  throw Error(ErrorCode::internal, "a task that works item by item was not opened")
      .at({.item = context.item.name});
}

}  // namespace geoloom::workflow
