// SPDX-License-Identifier: Apache-2.0
// Which step makes the layers that others read, and in which order steps are carried out.
#pragma once

#include "workflow/compile.h"

namespace geoloom::workflow {

// Fills Workflow::layer_producer and Step::after, and puts producers before readers. Throws
// Error(invalid) with the place: a layer with two producers or none, or read where it does not fit
// the reader's items; steps that wait for themselves.
void order_steps(Workflow& workflow);

}  // namespace geoloom::workflow
