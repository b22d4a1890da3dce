// `nacelle bench kernels`: how close the kernels and whole models come to this machine's limits.
#include <unistd.h>

#include "apps/nacelle/command_line.h"
#include "base/file.h"
#include "yardstick/yardstick.h"

namespace nacelle::apps {
namespace {

struct Options {
  std::string isa = "auto";
  std::size_t threads = kernels::threads_for_this_process();
  bool quick = false, no_onednn = false, list = false, rows = false;
  std::vector<std::string> shapes;
  std::string only, json_file, svg_file;
};

void add_flags(CLI::App& app, Options& o) {
  app.add_option("--isa", o.isa, "instruction set of our kernels (auto: the best of this machine)")
      ->capture_default_str();
  app.add_option("--threads", o.threads, "threads of ours and of oneDNN")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  app.add_flag("--quick", o.quick, "fewer shapes and one model; with oneDNN some minutes");
  app.add_option("--shapes", o.shapes, "products to measure instead of the table's, as KxN")
      ->delimiter(',');
  app.add_option("--only", o.only,
                 "groups whose name contains this, such as 'gemm int8' or 'Qwen3'");
  app.add_flag("--no-onednn", o.no_onednn, "leave the peer out");
  app.add_flag("--rows", o.rows, "every figure of every row instead of matrices of shares");
  app.add_flag("--list", o.list, "print the names of the groups and stop");
  app.add_option("--json", o.json_file,
                 "write the report as JSON; - = standard output instead of the table");
  app.add_option("--svg", o.svg_file, "write the roofline picture");
  app.footer(
      "Shares are of what this run measured: multiply-adds from registers, and reading memory.\n"
      "A full run takes several minutes. Close other programs: they lower every figure.");
}

int fail(const Status& status) {
  fmt::print(stderr, "nacelle bench kernels: {}\n", status.message());
  return status.code() == Code::kInvalidArgument ? 2 : 1;
}

// "1024x6144"
Result<yardstick::MatrixShape> parse_shape(const std::string& text) {
  unsigned long k = 0, n = 0;
  int end = 0;
  if (std::sscanf(text.c_str(), "%5lux%6lu%n", &k, &n, &end) != 2 ||
      static_cast<std::size_t>(end) != text.size() || k < 1 || n < 1 || k % 128 != 0) {
    return invalid_argument("--shapes: '{}' is not KxN with K a multiple of 128, such as 1024x3072",
                            text);
  }
  return yardstick::MatrixShape{k, n};
}

Result<yardstick::Config> make_config(const Options& o) {
  yardstick::Config config;
  ASSIGN_OR_RETURN(config.isa, kernels::parse_isa(o.isa));
  config.threads = o.threads;
  config.effort = o.quick ? yardstick::Effort::kQuick : yardstick::Effort::kFull;
  config.onednn = !o.no_onednn;
  config.only = o.only;
  for (const std::string& text : o.shapes) {
    ASSIGN_OR_RETURN(const yardstick::MatrixShape shape, parse_shape(text));
    config.shapes.push_back(shape);
  }
  return config;
}

yardstick::Progress progress_to(int fd) {
  if (::isatty(fd) != 1) return {};
  return [](std::size_t done, std::size_t total, std::string_view next) {
    if (done == total) {
      fmt::print(stderr, "\r\x1b[K");
    } else {
      fmt::print(stderr, "\r\x1b[K[{}/{}] {}", done + 1, total, next);
    }
    std::fflush(stderr);
  };
}

Status write_reports(const yardstick::Report& report, const Options& o) {
  if (o.json_file == "-") {
    fmt::print("{}", yardstick::to_json(report));
  } else {
    const auto detail = o.rows ? yardstick::Detail::kEveryRow : yardstick::Detail::kMatrix;
    fmt::print("{}", yardstick::to_text(report, detail));
    if (!o.json_file.empty()) {
      RETURN_IF_ERROR(write_file_atomically(o.json_file, yardstick::to_json(report)));
    }
  }
  if (o.svg_file.empty()) return {};
  return write_file_atomically(o.svg_file, yardstick::to_svg(report));
}

}  // namespace

int bench_kernels_command(const Args& args) {
  Options options;
  CLI::App app{
      "Measures this machine's limits, then prints kernels and whole models as shares of them, "
      "with "
      "oneDNN's\nproducts beside ours where libdnnl2 is installed.",
      "nacelle bench kernels"};
  add_flags(app, options);
  if (const auto code = parse_command_line(app, args)) return *code;
  const Result<yardstick::Config> config = make_config(options);
  if (!config) return fail(config.error());
  if (options.list) {
    for (const std::string& name : yardstick::group_names(*config)) fmt::print("{}\n", name);
    return 0;
  }
  const auto report = yardstick::run(*config, progress_to(STDERR_FILENO));
  if (!report) return fail(report.error());
  if (const Status written = write_reports(*report, options); !written.ok()) return fail(written);
  return 0;
}

}  // namespace nacelle::apps
