#include "control/core/kserve/canary_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "control/core/kserve/admission.h"
#include "control/core/kserve/testing/canary_story.h"

namespace nacelle::control::kserve {
namespace {

using testing::canary_service;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Json J(std::string_view text) { return Json::parse(text); }

struct SettingsRow {
  const char* name;
  const char* annotations;
  const char* field;  // of the problem; null: allowed
  const char* message = "";
};

TEST(CanaryAdmission, RefusesWhatIsOutOfBounds) {
  const std::vector<SettingsRow> rows = {
      {"none", "{}", nullptr},
      {"one step", R"({"steps":"10"})", nullptr},
      {"three steps and spaces", R"({"steps":"1, 10, 100"})", nullptr},
      {"all of it",
       R"({"steps":"5,50","step-seconds":"1","max-error-rate":"0","min-requests":"1"})", nullptr},
      {"no percentage", R"({"steps":"a"})", "steps",
       "\"a\": must be whole percentages from 1 to 100"},
      {"nothing", R"({"steps":""})", "steps", "must be whole percentages"},
      {"zero", R"({"steps":"0,10"})", "steps", "from 1 to 100"},
      {"above all", R"({"steps":"50,101"})", "steps", "from 1 to 100"},
      {"falling", R"({"steps":"50,10"})", "steps", "that rise"},
      {"twice the same", R"({"steps":"10,10"})", "steps", "that rise"},
      {"a comma at the end", R"({"steps":"10,"})", "steps"},
      {"a fraction", R"({"steps":"2.5"})", "steps"},
      {"too many", R"({"steps":"1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21"})", "steps",
       "at most 20 steps"},
      {"no time", R"({"steps":"10","step-seconds":"0"})", "step-seconds",
       "\"0\": must be whole seconds from 1 to 86400"},
      {"a unit", R"({"steps":"10","step-seconds":"10s"})", "step-seconds"},
      {"a day and more", R"({"steps":"10","step-seconds":"86401"})", "step-seconds", "86400"},
      {"percent as a rate", R"({"steps":"10","max-error-rate":"5%"})", "max-error-rate",
       "must be a number from 0 to 1"},
      {"more than all", R"({"steps":"10","max-error-rate":"1.1"})", "max-error-rate"},
      {"less than none", R"({"steps":"10","max-error-rate":"-0.1"})", "max-error-rate"},
      {"no number", R"({"steps":"10","max-error-rate":"nan"})", "max-error-rate"},
      {"no requests", R"({"steps":"10","min-requests":"0"})", "min-requests", "from 1 to 1000000"},
  };
  for (const SettingsRow& row : rows) {
    Json made = canary_service();
    made["metadata"]["annotations"] = Json::object();
    const Json annotations = J(row.annotations);
    for (const auto& [key, value] : annotations.items()) {
      made["metadata"]["annotations"]["nacelle.dev/canary-" + key] = value;
    }
    const Review review = review_service(made, nullptr);
    if (row.field == nullptr) {
      EXPECT_TRUE(review.allowed()) << row.name << ": " << review.problems[0].message;
      EXPECT_TRUE(review.warnings.empty()) << row.name;
      continue;
    }
    ASSERT_EQ(review.problems.size(), 1U) << row.name;
    EXPECT_EQ(review.problems[0].field,
              "metadata.annotations[nacelle.dev/canary-" + std::string(row.field) + "]");
    EXPECT_THAT(review.problems[0].message, HasSubstr(row.message)) << row.name;
  }
}

TEST(CanaryAdmission, WarnsOfWhatChangesNothing) {
  Json made = canary_service();
  made["metadata"]["annotations"] = {{"nacelle.dev/canary-step-seconds", "5"},
                                     {"nacelle.dev/canary-weight", "5"}};
  const Review review = review_service(made, nullptr);
  EXPECT_TRUE(review.allowed());
  EXPECT_THAT(
      review.warnings,
      ElementsAre("metadata.annotations[nacelle.dev/canary-weight] is not known and changes "
                  "nothing",
                  "metadata.annotations[nacelle.dev/canary-step-seconds] is not used without "
                  "nacelle.dev/canary-steps"));
}

TEST(CanaryAdmission, WarnsWhereThereIsNoCanary) {
  const Json group = canary_service(R"({"spec":{"router":{"route":{"group":"g","weight":5}}}})");
  EXPECT_THAT(review_service(group, nullptr).warnings,
              ElementsAre(HasSubstr("canary-steps] is not used by a service in a traffic group")));
  const Json nodes = canary_service(
      R"({"spec":{"worker":{"containers":[]},"parallelism":{"data":2,"dataLocal":1}}})");
  EXPECT_TRUE(review_service(nodes, nullptr).warnings.empty());
}

}  // namespace
}  // namespace nacelle::control::kserve
