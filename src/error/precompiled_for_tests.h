// SPDX-License-Identifier: Apache-2.0
// What test programs include: see cmake/precompiled.cmake.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "error/precompiled.h"
