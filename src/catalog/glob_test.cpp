// SPDX-License-Identifier: Apache-2.0
#include "catalog/glob.h"

#include <gtest/gtest.h>
