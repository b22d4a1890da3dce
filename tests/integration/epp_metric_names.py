"""The metric families that dashboards, autoscalers and tools know of an Endpoint Picker: names, types, labels, buckets.

Each row: name without its prefix, type, labels, older name ("" for none), labels of the older name (None: the same),
buckets. Families of what is not supported are left out: disaggregatedset_* (rollouts), encoder_cache_* (multimodal input).
"""
C, G, H = "counter", "gauge", "histogram"
R = "model_name target_model_name fairness_id priority"
MODELS = "model_name target_model_name"
PLUGIN = "plugin_name plugin_type"
FLOW = "fairness_id priority inference_pool model_name target_model_name"
DECISION = "plugin_name plugin_type model_name decision_type"
PREDICTION = f"{PLUGIN} {MODELS}"

B1 = [.005, .025, .05, .1, .2, .4, .6, .8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60, 120, 180, 240, 300, 360, 480,
      600, 900, 1200, 1800, 2700, 3600]
B2 = [.0001, .0002, .0005, .001, .002, .005, .01, .02, .05, .1]
TTFT = [.005, .025, .05, .1, .2, .4, .6, .8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60, 120]
NTPOT = [.001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10]
TPOT = [.0005, .00205, .005, .01, .02, .04, .06, .08, .1, .125, .15, .2, .3, .4, .5, .6, .8, 1, 2]
ITL = [.001, .005, .01, .02, .04, .06, .08, .1, .15, .2, .3, .5, .75, 1, 2]
REQUEST_PROCESSING = [.0005, .001, .002, .005, .01, .015, .025, .04, .06, .1, .25, .5, 1, 2.5, 5, 10]
RESPONSE_PROCESSING = [.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5]
QUEUE = [.0001, .0005, .001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60]
CONFIRMATION = [.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10]
STREAM = [.001, .005, .01, .05, .1, .5, 1, 5, 10, 30, 60, 120, 300, 600]
REQUEST_BYTES = [64 * 2 ** n for n in range(25)]
RESPONSE_BYTES = [1] + [8 * 2 ** n for n in range(12)] + [32778, 65536]
OUTPUT_TOKENS = [1] + [8 * 2 ** n for n in range(11)]
INPUT_TOKENS = RESPONSE_BYTES + [131072 * 2 ** n for n in range(4)]

OBJECTIVE, POOL, EXTENSION = "inference_objective_", "inference_pool_", "inference_extension_"
SCHEDULER = "llm_d_inference_scheduler_"


def same(prefix, name, kind, labels, buckets=None):
    return (name, kind, labels, prefix + name, None, buckets)


def new(name, kind, labels="", buckets=None):
    return (name, kind, labels, "", None, buckets)


ROWS = [
    ("request_total", C, R, OBJECTIVE + "request_total", f"{MODELS} priority", None),
    ("request_error_total", C, f"{R} error_code", OBJECTIVE + "request_error_total", f"{MODELS} error_code", None),
    ("request_duration_seconds", H, R, OBJECTIVE + "request_duration_seconds", MODELS, B1),
    ("request_size_bytes", H, R, OBJECTIVE + "request_sizes", MODELS, REQUEST_BYTES),
    ("response_size_bytes", H, R, OBJECTIVE + "response_sizes", MODELS, RESPONSE_BYTES),
    ("request_input_tokens", H, R, OBJECTIVE + "input_tokens", MODELS, INPUT_TOKENS),
    ("request_output_tokens", H, R, OBJECTIVE + "output_tokens", MODELS, OUTPUT_TOKENS),
    ("request_cached_tokens", H, R, OBJECTIVE + "prompt_cached_tokens", MODELS, INPUT_TOKENS),
    ("request_running", G, R, OBJECTIVE + "running_requests", "model_name", None),
    ("request_ntpot_seconds", H, R, OBJECTIVE + "normalized_time_per_output_token_seconds", MODELS, NTPOT),
    new("request_ttft_seconds", H, f"{R} streaming", TTFT),
    new("request_streaming_tpot_seconds", H, R, TPOT),
    new("request_streaming_itl_seconds", H, R, ITL),
    *(same(POOL, f"average_{what}", G, "name")
      for what in ("kv_cache_utilization", "queue_size", "running_requests")),
    *(new(f"std_dev_{what}", G, "name") for what in ("kv_cache_utilization", "queue_size", "running_requests")),
    ("ready_endpoints", G, "name", POOL + "ready_pods", None, None),
    ("per_endpoint_queue_size", G, "name model_server_endpoint", POOL + "per_pod_queue_size", "name model_server_pod", None),
    same(EXTENSION, "scheduler_e2e_duration_seconds", H, "", B2),
    ("scheduler_attempts_total", C, "status target_model_name endpoint_name namespace port",
     EXTENSION + "scheduler_attempts_total", "status target_model_name pod_name namespace port", None),
    same(EXTENSION, "plugin_duration_seconds", H, f"extension_point {PLUGIN}", B2),
    new("plugin_data_scope_violations_total", C),
    same(EXTENSION, "info", G, "commit build_ref"),
    same(EXTENSION, "model_rewrite_decisions_total", C, "model_rewrite_name model_name target_model"),
    new("request_processing_duration_seconds", H, "", REQUEST_PROCESSING),
    new("response_processing_duration_seconds", H, "", RESPONSE_PROCESSING),
    same(SCHEDULER, "datalayer_poll_errors_total", C, "source_type"),
    same(SCHEDULER, "datalayer_extract_errors_total", C, "source_type extractor_type"),
    same(EXTENSION, "prefix_indexer_size", G, PLUGIN),
    same(EXTENSION, "prefix_indexer_hit_ratio", H, PLUGIN),
    same(EXTENSION, "prefix_indexer_hit_bytes", H, PLUGIN),
    *(new(f"inflight_{what}", G, "endpoint_name namespace producer_name fairness_id priority")
      for what in ("requests", "tokens")),
    same(SCHEDULER, "disagg_decision_total", C, DECISION),
    same(SCHEDULER, "pd_decision_total", C, DECISION),
    new("program_aware_jains_fairness_index", G),
    *(new(f"program_aware_{what}", G, "program_id") for what in ("avg_wait_time_milliseconds", "attained_service_tokens")),
    same(OBJECTIVE, "inference_request_metric", G, f"{PREDICTION} type"),
    *(same(OBJECTIVE, f"request_{what}_seconds", H, PREDICTION)
      for what in ("predicted_ttft", "predicted_tpot", "ttft_prediction_duration", "tpot_prediction_duration")),
    same(OBJECTIVE, "request_slo_violation_total", C, f"{PREDICTION} type"),
    same(EXTENSION, "flow_control_request_queue_duration_seconds", H, f"{FLOW} outcome", QUEUE),
    same(EXTENSION, "flow_control_dispatch_cycle_duration_seconds", H, "", B2),
    same(EXTENSION, "flow_control_request_enqueue_duration_seconds", H, "fairness_id priority outcome", B2),
    same(EXTENSION, "flow_control_queue_size", G, FLOW),
    same(EXTENSION, "flow_control_queue_bytes", G, FLOW),
    same(EXTENSION, "flow_control_pool_saturation", G, "inference_pool stage"),
    new("flow_control_stale_endpoints", G, "detector"),
    *(new(f"flow_control_capacity_utilization_{what}", G, "priority inference_pool") for what in ("requests", "bytes")),
    *(new(f"flow_control_global_capacity_utilization_{what}", G, "inference_pool") for what in ("requests", "bytes")),
    new("flow_control_requests_total", C, "outcome priority inference_pool"),
    new("flow_control_revocations_issued_total", C, "priority inference_pool"),
    new("flow_control_revocations_total", C, "outcome inference_pool"),
    *(new(f"flow_control_{what}", G, "inference_pool") for what in ("reclaim_target", "pending_reclaim")),
    new("flow_control_revocation_confirmation_seconds", H, "", CONFIRMATION),
    new("extproc_streams_inflight", G),
    new("extproc_stream_duration_seconds", H, "", STREAM),
    new("extproc_streams_total", C, "code"),
    *((f"kv_cache_index_{what}", C, "", f"kvcache_index_{what}", None, None)
      for what in ("admissions_total", "evictions_total", "lookup_requests_total", "lookup_hits_total",
                   "max_pod_hit_count_total")),
    ("kv_cache_index_lookup_latency_seconds", H, "", "kvcache_index_lookup_latency_seconds", None, None),
    *((f"kv_cache_events_{what}", kind, "", f"kvcache_kvevents_{what}", None, None)
      for what, kind in (("dedup_removed_hashes_suppressed_total", C), ("dedup_removed_hashes_forwarded_total", C),
                         ("stores_skipped_total", C), ("removals_skipped_total", C),
                         ("subscriber_reconnections_total", C), ("messages_received_total", C),
                         ("zmq_errors_total", C), ("active_subscribers", G), ("pool_queue_depth", G),
                         ("pool_capacity", G))),
]


def families():
    """name -> (type, labels, buckets or None), under both names."""
    out = {}
    for name, kind, labels, old, old_labels, buckets in ROWS:
        out[f"llm_d_epp_{name}"] = (kind, set(labels.split()), buckets)
        if old:
            out[old] = (kind, set((labels if old_labels is None else old_labels).split()), buckets)
    return out
