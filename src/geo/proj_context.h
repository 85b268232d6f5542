// SPDX-License-Identifier: Apache-2.0
// PROJ objects belong to one thread at a time, so every thread has its own context. For the sources
// of this folder only.
#pragma once

#include <proj.h>

#include <memory>
#include <string>

namespace geoloom::geo {

struct PjDestroy {
  void operator()(PJ* pj) const { proj_destroy(pj); }
};
using PjHandle = std::unique_ptr<PJ, PjDestroy>;
struct PjListDestroy {
  void operator()(PJ_OBJ_LIST* list) const { proj_list_destroy(list); }
};
using PjListHandle = std::unique_ptr<PJ_OBJ_LIST, PjListDestroy>;

// The calling thread's context: no network, messages kept instead of printed. Whoever keeps PROJ
// objects in a thread_local variable asks for the context first, so that it dies last.
PJ_CONTEXT* proj_context();
// The last message of this thread's context; empty when there was none since the last call.
std::string take_proj_message();

}  // namespace geoloom::geo
