#include "apps/nacelle/device_option.h"

#include <gtest/gtest.h>

namespace nacelle::apps {
namespace {

TEST(DeviceOption, CountAndMemory) {
  const auto devices = parse_devices({"nvidia.com/gpu=2:80Gi", "nacelle.dev/accelerator=1"});
  ASSERT_TRUE(devices.ok()) << devices.error().message();
  control::node::NodeConfig node;
  give_devices(*devices, node);
  EXPECT_EQ(node.capacity.at("nvidia.com/gpu"), Quantity(2));
  EXPECT_EQ(node.capacity.at("nacelle.dev/accelerator"), Quantity(1));
  EXPECT_EQ(node.labels, (std::map<std::string, std::string>{{"nvidia.com/gpu.memory", "81920"}}));
}

TEST(DeviceOption, WhatIsNoDevice) {
  for (const char* text :
       {"", "gpu=1", "/gpu=1", "nvidia.com/gpu", "nvidia.com/gpu=", "nvidia.com/gpu=0",
        "nvidia.com/gpu=-1", "nvidia.com/gpu=1x", "nvidia.com/gpu=1:", "nvidia.com/gpu=1:much",
        "nvidia.com/gpu=1:5", "nvidia.com/gpu=1025", "cpu=4", "example.com/fpga=1",
        "Nvidia.com/gpu=1", "nvidia.com/gpu=1:80Gi:2"}) {
    const auto device = parse_device(text);
    ASSERT_FALSE(device.ok()) << text;
    EXPECT_NE(device.error().message().find(std::string("\"") + text + "\""), std::string::npos);
  }
  EXPECT_FALSE(parse_devices({"nvidia.com/gpu=1", "nvidia.com/gpu=2"}).ok());
}

}  // namespace
}  // namespace nacelle::apps
