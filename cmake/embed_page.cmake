# Puts script and style into a page, and the page into a C++ source: see web_page.cmake.
cmake_minimum_required(VERSION 3.25)  # without it, @NAME@ would be a variable
file(READ ${PAGE} page)
file(READ ${SCRIPT} script)
file(READ ${STYLE} style)
string(STRIP "${script}" script)
string(STRIP "${style}" style)
string(REPLACE "@STYLE@" "${style}" page "${page}")
string(REPLACE "@SCRIPT@" "${script}" page "${page}")
# file(WRITE) and not CONTENT of a configured file: '@' and '$' of the script stay as they are.
file(WRITE ${SOURCE} "// Generated from web/.
#include \"${HEADER}\"

namespace ${NAMESPACE} {

std::string_view ${NAME}() {
  return R\"web_page(${page})web_page\";
}

}  // namespace ${NAMESPACE}
")
