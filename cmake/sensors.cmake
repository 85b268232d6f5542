# Writes sensor_table.cpp from the files of sensors/: the program carries them with it.
function(sensor_table out)
  file(GLOB files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/sensors/*.yaml)
  if(NOT files)
    message(FATAL_ERROR "${CMAKE_SOURCE_DIR}/sensors holds no sensors (*.yaml): is this a whole checkout?")
  endif()
  list(SORT files)
  set(SENSOR_ENTRIES "")
  foreach(file ${files})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    get_filename_component(name ${file} NAME_WE)
    file(READ ${file} text)
    string(APPEND SENSOR_ENTRIES "    {\"${name}\", R\"sensor(${text})sensor\"},\n")
  endforeach()
  set(table ${CMAKE_CURRENT_BINARY_DIR}/sensor_table.cpp)
  file(CONFIGURE OUTPUT ${table} @ONLY CONTENT
"// Generated from the files of sensors/.
#include \"workflow/sensor_table.h\"

#include <array>

namespace geoloom::workflow {

std::span<const std::pair<std::string_view, std::string_view>> sensor_table() {
  static const auto table = std::to_array<std::pair<std::string_view, std::string_view>>({
@SENSOR_ENTRIES@  });
  return table;
}

}  // namespace geoloom::workflow
")
  set(${out} ${table} PARENT_SCOPE)
endfunction()
