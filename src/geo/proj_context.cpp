// SPDX-License-Identifier: Apache-2.0
#include "geo/proj_context.h"

#include <mutex>
#include <utility>

namespace geoloom::geo {
namespace {

struct ContextDestroy {
  void operator()(PJ_CONTEXT* context) const { proj_context_destroy(context); }
};

class ThreadContext {
 public:
  ThreadContext() : context_(create()) {
    // Grids fetched from the network would make results depend on the connection.
    proj_context_set_enable_network(context_.get(), 0);
    proj_log_level(context_.get(), PJ_LOG_ERROR);
    proj_log_func(context_.get(), this, &ThreadContext::on_log);
  }
  ThreadContext(const ThreadContext&) = delete;
  ThreadContext& operator=(const ThreadContext&) = delete;

  PJ_CONTEXT* get() { return context_.get(); }
  std::string take_message() { return std::exchange(message_, {}); }

 private:
  static PJ_CONTEXT* create() {
    // PROJ's default context, which other libraries use, would print to the error stream. Contexts
    // made later inherit its silence.
    static std::once_flag once;
    std::call_once(once, [] { proj_log_level(nullptr, PJ_LOG_NONE); });
    return proj_context_create();
  }
  static void on_log(void* self, int /*level*/, const char* text) {
    static_cast<ThreadContext*>(self)->message_ = text;
  }

  std::unique_ptr<PJ_CONTEXT, ContextDestroy> context_;
  std::string message_;
};

ThreadContext& thread_context() {
  thread_local ThreadContext context;
  return context;
}

}  // namespace

PJ_CONTEXT* proj_context() {
  return thread_context().get();
}

std::string take_proj_message() {
  return thread_context().take_message();
}

}  // namespace geoloom::geo
