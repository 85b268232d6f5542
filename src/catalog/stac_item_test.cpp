// SPDX-License-Identifier: Apache-2.0
#include "catalog/stac_item.h"

#include <gtest/gtest.h>
