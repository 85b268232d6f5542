// SPDX-License-Identifier: Apache-2.0
#include "raster/asset_reader.h"

#include <gtest/gtest.h>
