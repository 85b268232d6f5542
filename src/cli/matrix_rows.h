// SPDX-License-Identifier: Apache-2.0
// Commands that take --matrix: their rows, one after another.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/document_arguments.h"
#include "cli/run_execution.h"

namespace geoloom::cli {

// The rows, after each was checked as far as the document alone tells: parameters, references,
// wiring, and that no row takes the place of another's results. Throws Error(invalid) with file and
// line.
std::vector<MatrixRow> rows_of_matrix(const DocumentArguments& arguments, const std::string& path,
                                      const workflow::Registry& registry);

// Carries rows out, also after one that failed, and prints a table, or JSON, on stdout. Returns 0
// when every row is done, 130 or 143 when a signal stopped them, otherwise 3.
int run_rows(const std::vector<MatrixRow>& rows,
             const std::function<ExecutionReport(const MatrixRow&)>& run_one, bool json);

}  // namespace geoloom::cli
