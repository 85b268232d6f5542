// SPDX-License-Identifier: Apache-2.0
#include "catalog/scene_search.h"

#include <gtest/gtest.h>
