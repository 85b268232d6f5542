// SPDX-License-Identifier: Apache-2.0
#include "raster/cube.h"

#include <gtest/gtest.h>
