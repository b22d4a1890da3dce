// report.h: what a run of the yardstick found, and how it is written down.
//
// Everything is a plain value; shares, limits and bars are computed from the timings when asked.
// A row's limit is the roofline: the lower of its arithmetic roof and of reading its bytes, both as
// they were while the row ran.
//
// Source:  Williams, Waterman and Patterson (2009), "Roofline".
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nacelle::yardstick {

// A limit of the machine, in 1e9 operations or bytes per second.
struct Roof {
  std::string name;
  double one_thread = 0;
  double all_threads = 0;
};

struct Limits {
  std::vector<Roof> arithmetic;  // multiply and add count as two operations
  Roof read;
};

// Limits that were measured right behind some calls. A shared machine reads twice as fast now and
// then, for milliseconds or minutes: only what was measured together can be compared.
struct Moment {
  double best_s = 0;  // of those calls
  Limits limits;      // all threads
};

struct Timing {
  double best_s = 0;
  double median_s = 0;
  std::size_t calls = 0;
};

// What a row must reach.
struct Bar {
  enum class Of { kShare, kPeer };  // of the limit; as a multiple of the peer's rate
  std::string name;  // "gemm bf16, M >= 256"; rows of one name are summed up together
  Of of = Of::kShare;
  double at_least = 0;
};

struct Row {
  std::string section;  // "gemm bf16"
  std::string name;     // "1024 x 3072"
  std::string column;   // "M=512" where a section is a matrix, else ""
  std::string label;    // name of the dot in the picture; "" = a small dot without a name
  double operations = 0;
  double bytes = 0;   // touched at least once
  double tokens = 0;  // of a whole model; else 0
  std::string roof;   // name of an arithmetic limit
  std::vector<Bar> bars;
  // Its roof and reading in turns with its calls; empty: the best of both in the whole run count.
  std::vector<Moment> moments;
  Timing ours;
  std::optional<Timing> peer;
};

// A figure that is no rate: a share of time, or one row against another.
struct Ratio {
  std::string name;
  std::string how;  // how it was found
  double value = 0;
  std::optional<double> bar;  // nullopt: the figure is told, not judged
  bool at_most = false;       // the bar is an upper bound
};

struct Report {
  std::string machine;
  std::size_t threads = 0;
  std::string isa;
  std::string peer;                // "oneDNN 2.6.3", or why there is none
  std::vector<std::string> notes;  // what the operations and bytes count
  Limits limits;
  std::vector<Row> rows;
  std::vector<Ratio> ratios;
};

// 1e9 operations per second of the best call.
[[nodiscard]] double rate(const Row& row);
// 1e9 operations per second that the machine allows this row, and the name of the roof that says
// so; in its middle moment, where it has moments.
struct Attainable {
  double rate = 0;
  std::string_view roof;
};
[[nodiscard]] Attainable attainable(const Row& row, const Limits& limits);
// Of the limit: that of the middle moment and of the best one; without moments that of the best
// call. 0 where the limit is not known.
[[nodiscard]] double share(const Row& row, const Limits& limits);
[[nodiscard]] double best_share(const Row& row, const Limits& limits);
// Peer's time / ours; nullopt without a peer.
[[nodiscard]] std::optional<double> times_peer(const Row& row);

// What the row reaches of a bar's measure; nullopt when that was not measured.
[[nodiscard]] std::optional<double> reached(const Row& row, const Bar& bar, const Limits& limits);
[[nodiscard]] bool passes(const Ratio& ratio);  // true without a bar

// All rows that share a bar.
struct BarSummary {
  std::string name;
  Bar::Of of = Bar::Of::kShare;
  double at_least = 0;
  std::size_t rows = 0;  // that were measured
  std::size_t ok = 0;
  double worst = 0;
  std::string worst_row;
};
[[nodiscard]] std::vector<BarSummary> sum_up(const Report& report);

enum class Detail { kMatrix, kEveryRow };

[[nodiscard]] std::string to_text(const Report& report, Detail detail = Detail::kMatrix);
[[nodiscard]] std::string to_json(const Report& report);
[[nodiscard]] std::string to_svg(const Report& report);

}  // namespace nacelle::yardstick
