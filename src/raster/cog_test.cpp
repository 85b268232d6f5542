// SPDX-License-Identifier: Apache-2.0
#include "raster/cog.h"

#include <gtest/gtest.h>
