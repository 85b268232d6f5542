// SPDX-License-Identifier: Apache-2.0
// Steps whose items are made again though nothing that their identity knows has changed: `max_age`
// and `cache: false`.
//
// Ages are measured at the creation of a run, so that a run which goes on, however much later,
// decides as it began. What was made by the run itself, or by one created after it, always counts.
#pragma once

#include "engine/receipts.h"
#include "store/store.h"
#include "workflow/run.h"

namespace geoloom::engine {

// Whether a receipt is too old to count for an item of a step of a run; a run that is not created
// yet (its record has no id) is created at `now`. A receipt of an earlier run from the future, as a
// clock that was wrong leaves it, tells no age and is too old.
bool too_old(const Receipt& receipt, const workflow::StepPolicy& policy,
             const workflow::RunRecord& record, geo::TimeMs now);

// The same by the clock of now.
bool too_old(const Receipt& receipt, const workflow::StepPolicy& policy,
             const workflow::RunRecord& record);

// Writes the record of a run, or takes over that of a run with equal content; but where steps say
// `max_age` or `cache: false`, a run that is complete is not gone on with: the same command begins
// another one, whose items may be made again.
void begin_run(workflow::Run& run, store::Store& store);

}  // namespace geoloom::engine
