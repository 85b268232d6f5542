# One line per operation: add_op(composite/median_rgb) compiles src/ops/composite/median_rgb.cpp into
# geoloom_ops, median_rgb_test.cpp into ops_test, and enters make_median_rgb() in the op table.
# PARTS names further sources of an op that does not fit one file, without their ending.
function(add_op stem)
  cmake_parse_arguments(O "" "" "PARTS" ${ARGN})
  set_property(GLOBAL APPEND PROPERTY GEOLOOM_OPS ${stem})
  set_property(GLOBAL APPEND PROPERTY GEOLOOM_OP_SOURCES ${stem}.cpp)
  foreach(part ${O_PARTS})
    set_property(GLOBAL APPEND PROPERTY GEOLOOM_OP_SOURCES ${part}.cpp)
  endforeach()
endfunction()

# After the last add_op: writes op_table.cpp into the build tree and makes the module.
# Takes the same arguments as geoloom_module, for what is not an op's own.
function(finish_ops)
  cmake_parse_arguments(F "" "" "SOURCES;TESTS;DEPENDS;LIBRARIES" ${ARGN})
  get_property(stems GLOBAL PROPERTY GEOLOOM_OPS)
  get_property(sources GLOBAL PROPERTY GEOLOOM_OP_SOURCES)
  set(OP_DECLARATIONS "")
  set(OP_CALLS "")
  set(OP_EXAMPLES "")
  set(tests "")
  foreach(stem ${stems})
    get_filename_component(op ${stem} NAME)
    string(APPEND OP_DECLARATIONS "std::unique_ptr<workflow::Op> make_${op}();  // ${stem}.cpp\n")
    string(APPEND OP_CALLS "  registry.add(make_${op});\n")
    list(APPEND tests ${stem}_test.cpp)
    set(example ${CMAKE_CURRENT_SOURCE_DIR}/${stem}.scene)
    if(EXISTS ${example})
      set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${example})
      file(READ ${example} text)
      # The first case, without what only tests need.
      string(FIND "${text}" "\n---\n" end)
      string(SUBSTRING "${text}" 0 ${end} text)
      string(REGEX REPLACE "\n(pinned:[^\n]*\n?)?$" "\n" text "${text}")
      string(APPEND OP_EXAMPLES "  if (op == \"${op}\")\n    return R\"scene(${text})scene\";\n")
    endif()
  endforeach()
  set(table ${CMAKE_CURRENT_BINARY_DIR}/op_table.cpp)
  file(CONFIGURE OUTPUT ${table} @ONLY CONTENT
"// Generated from the add_op lines of src/ops/CMakeLists.txt.
#include \"ops/op_table.h\"

#include <memory>

namespace geoloom::ops {

@OP_DECLARATIONS@
void add_all(workflow::Registry& registry) {
@OP_CALLS@}

std::string_view example_of(std::string_view op) {
@OP_EXAMPLES@  return op.substr(0, 0);
}

}  // namespace geoloom::ops
")
  geoloom_module(ops OWN_NAMES kDescription kOutputs SOURCES ${sources} ${F_SOURCES} ${table} TESTS ${tests} ${F_TESTS}
                 DEPENDS ${F_DEPENDS} LIBRARIES ${F_LIBRARIES})
endfunction()
