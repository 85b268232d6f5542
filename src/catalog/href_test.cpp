// SPDX-License-Identifier: Apache-2.0
#include "catalog/href.h"

#include <gtest/gtest.h>
