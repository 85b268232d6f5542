// SPDX-License-Identifier: Apache-2.0
#include "raster/exact_statistics.h"

#include <gtest/gtest.h>
