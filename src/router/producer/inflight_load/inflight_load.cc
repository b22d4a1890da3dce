#include "router/producer/inflight_load/inflight_load.h"

#include "router/producer/prefix_producer.h"

namespace nacelle::router {

std::shared_ptr<Plugin> InflightLoad::make(Fields& fields, BuildContext& context) {
  ReservationOptions& options = context.reservation;
  fields.boolean("addEstimatedOutputTokens", options.add_estimated_output);
  fields.number("outputRatio", options.output_ratio, 0, 1000);
  fields.count("maxEstimatedOutputTokens", options.max_estimated_output, 0, 100'000'000);
  fields.ignored("syncCrossReplicaState");  // there is one replica's state: this process
  options.prefix_source =
      context.producer<PrefixProducer>(fields, "prefixMatchInfoProducerName", kApproxPrefixProducer)
          .source();
  return std::make_shared<InflightLoad>(options.prefix_source);
}

}  // namespace nacelle::router
