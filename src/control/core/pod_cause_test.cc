#include "control/core/pod_cause.h"

#include <gtest/gtest.h>

namespace nacelle::control {
namespace {

using kube::Json;

TEST(PodCause, SaysWhyAPodDoesNotAnswer) {
  struct Row {
    const char* name;
    const char* status;
    const char* cause;  // "<reason>: <message>"; "" for none
  };
  constexpr Row kRows[] = {
      {"a start that has said nothing yet",
       R"j({"conditions":[{"type":"ContainersReady","status":"False",
           "message":"containers with unready status: [main]"}],
           "containerStatuses":[{"name":"main","ready":false,"state":{"running":{}}}]})j",
       ""},
      {"an engine that runs and never answers",
       R"j({"conditions":[{"type":"ContainersReady","status":"False",
           "message":"containers with unready status: [main]; main does not answer yet (x)"}],
           "containerStatuses":[{"name":"main","ready":false,"state":{"running":{}}}]})j",
       "ContainersNotReady: pod p: container main does not answer yet (x)"},
      {"a crash tells more than what the probes find",
       R"j({"conditions":[{"type":"ContainersReady","status":"False",
           "message":"containers with unready status: [main]; main does not answer yet (x)"}],
           "containerStatuses":[{"name":"main","ready":false,"restartCount":2,
             "state":{"waiting":{"reason":"CrashLoopBackOff"}},
             "lastState":{"terminated":{"exitCode":3,"message":"bye"}}}]
})j",
       "CrashLoopBackOff: pod p: container main exited with code 3: bye, 2 restarts"},
      {"no place for it",
       R"j({"conditions":[{"type":"PodScheduled","status":"False","message":"0/1 nodes"}]})j",
       "Unschedulable: pod p: 0/1 nodes"},
      {"ready", R"j({"conditions":[{"type":"ContainersReady","status":"True"}],
           "containerStatuses":[{"name":"main","ready":true,"state":{"running":{}}}]})j",
       ""},
  };
  for (const Row& row : kRows) {
    const Json pod = {{"metadata", {{"name", "p"}}}, {"status", Json::parse(row.status)}};
    const auto cause = cause_of(pod);
    EXPECT_EQ(cause ? cause->reason + ": " + cause->message : "", row.cause) << row.name;
  }
}

}  // namespace
}  // namespace nacelle::control
