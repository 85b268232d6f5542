# Writes NAME_table.cpp from the YAML files of a folder of the checkout, which the program so carries with it:
# `function`() of `header` in `namespace` gives their names and texts. NAME_table in the caller is the file written.
function(text_table NAME FOLDER NAMESPACE HEADER FUNCTION)
  file(GLOB files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${FOLDER}/*.yaml)
  if(NOT files)
    message(FATAL_ERROR "${CMAKE_SOURCE_DIR}/${FOLDER} holds no files (*.yaml): is this a whole checkout?")
  endif()
  list(SORT files)
  set(ENTRIES "")
  foreach(file ${files})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    get_filename_component(name ${file} NAME_WE)
    file(READ ${file} text)
    string(APPEND ENTRIES "    {\"${name}\", R\"text(${text})text\"},\n")
  endforeach()
  set(table ${CMAKE_CURRENT_BINARY_DIR}/${NAME}_table.cpp)
  file(CONFIGURE OUTPUT ${table} @ONLY CONTENT
"// Generated from the files of @FOLDER@/.
#include \"@HEADER@\"

#include <array>

namespace @NAMESPACE@ {

std::span<const std::pair<std::string_view, std::string_view>> @FUNCTION@() {
  static const auto table = std::to_array<std::pair<std::string_view, std::string_view>>({
@ENTRIES@  });
  return table;
}

}  // namespace @NAMESPACE@
")
  set(${NAME}_table ${table} PARENT_SCOPE)
endfunction()
