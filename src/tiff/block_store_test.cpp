// SPDX-License-Identifier: Apache-2.0
#include "tiff/block_store.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <random>
#include <thread>

#include "error/error.h"

namespace geoloom::tiff {
namespace {

std::vector<std::byte> block_of(size_t number) {
  return std::vector<std::byte>(1 + number * 37 % 500, static_cast<std::byte>(number));
}

TEST(BlockStore, GivesBackWhatWasAddedWhereverItWaits) {
  const std::string folder = testing::TempDir();
  for (const size_t memory : {size_t{0}, size_t{3000}, size_t{1} << 20}) {
    BlockStore store(folder, memory);
    std::vector<BlockStore::Place> places(200);
    {
      std::vector<std::jthread> threads;
      for (size_t t = 0; t < 4; ++t)
        threads.emplace_back([&, t] {
          for (size_t i = t; i < places.size(); i += 4) places[i] = store.add(block_of(i));
        });
    }
    std::vector<std::byte> buffer;
    for (size_t i = places.size(); i-- > 0;) {
      const auto block = store.read(places[i], buffer);
      const auto wanted = block_of(i);
      EXPECT_TRUE(std::equal(block.begin(), block.end(), wanted.begin(), wanted.end()));
    }
  }
}

TEST(BlockStore, SaysWhereItCannotWrite) {
  BlockStore store("/nowhere/at/all", 10);
  EXPECT_NO_THROW(store.add(std::vector<std::byte>(10)));
  try {
    store.add(std::vector<std::byte>(1));
    FAIL() << "there is no such folder";
  } catch (const Error& e) {
    EXPECT_EQ(e.place().file, "/nowhere/at/all");
  }
}

}  // namespace
}  // namespace geoloom::tiff
