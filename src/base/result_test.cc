#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace nacelle {
namespace {

Result<int> half(int n) {
  if (n % 2 != 0) return invalid_argument("{} is odd", n);
  return n / 2;
}

Result<std::string> quarter(int n) {
  ASSIGN_OR_RETURN(const int once, half(n));
  ASSIGN_OR_RETURN(const int twice, half(once));
  return std::to_string(twice);
}

TEST(Result, CarriesTheValueOrTheFirstError) {
  EXPECT_EQ(*quarter(12), "3");
  EXPECT_EQ(quarter(6).error().to_string(), "invalid_argument: 3 is odd");
  EXPECT_EQ(quarter(6).error().with_context("quarter").message(), "quarter: 3 is odd");
}

TEST(Result, HoldsMoveOnlyValues) {
  Result<std::unique_ptr<int>> result(std::make_unique<int>(7));
  std::unique_ptr<int> taken = std::move(result).value();
  EXPECT_EQ(*taken, 7);
}

}  // namespace
}  // namespace nacelle
