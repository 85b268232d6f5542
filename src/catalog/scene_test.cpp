// SPDX-License-Identifier: Apache-2.0
#include "catalog/scene.h"

#include <gtest/gtest.h>
