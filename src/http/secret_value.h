// SPDX-License-Identifier: Apache-2.0
// Values of secrets. A document names a secret and never says where it comes from: whoever starts
// the process does, in its environment. So a document from a stranger can neither run a program nor
// have another variable sent away.
//
//   GEOLOOM_SECRET_<NAME>           the value
//   GEOLOOM_SECRET_<NAME>_FILE      a file that holds it
//   GEOLOOM_SECRET_<NAME>_COMMAND   a shell command that prints it
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace geoloom::http {

// [A-Z][A-Z0-9_]*
bool is_secret_name(const std::string& name);

// The value, without line ends at its end; from then on no error message shows it. Throws Error:
// denied when none of the three is set, the file cannot be read, or the command fails; invalid for
// a name that is none. Messages never hold what the file or the command gave.
std::string secret_value(const std::string& name);

// The command of GEOLOOM_SECRET_<NAME>_COMMAND, for who gives it an input. Throws as above.
std::string secret_command(const std::string& name);

// What a shell command prints, given `input` at its standard input; its messages go to ours. Throws
// Error: denied when it fails, unavailable when it takes longer than `limit` (it is ended),
// corrupt when it prints more than 1 MiB. `what` names it in messages.
std::string command_output(const std::string& command, const std::string& input,
                           std::chrono::seconds limit, const std::string& what);

}  // namespace geoloom::http
