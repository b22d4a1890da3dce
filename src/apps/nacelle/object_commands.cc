// object_commands.cc: `nacelle apply`, `get`, `delete` and `logs`: flags to the commands of
// cli/kube.
#include <fmt/format.h>

#include <map>
#include <utility>

#include "apps/nacelle/cluster_flags.h"
#include "apps/nacelle/command_line.h"
#include "apps/nacelle/commands.h"
#include "cli/kube/apply.h"
#include "cli/kube/get.h"
#include "cli/kube/logs.h"
#include "cli/kube/remove.h"

namespace nacelle::apps {
namespace {

int fail(const char* command, const Status& status) {
  fmt::print(stderr, "nacelle {}: {}\n", command, status.message());
  return 1;
}

Result<std::vector<cli::ManifestObject>> read_all(const std::vector<std::string>& files,
                                                  bool recursive) {
  std::vector<cli::ManifestObject> out;
  for (const std::string& file : files) {
    ASSIGN_OR_RETURN(auto objects, cli::read_manifests(file, recursive));
    for (cli::ManifestObject& each : objects) out.push_back(std::move(each));
  }
  return out;
}

}  // namespace

int apply_command(const Args& args) {
  CLI::App app(
      "Applies what files hold: server-side, so that every field has an owner and nobody's are "
      "overwritten unasked.\n\n"
      "  nacelle apply -f service.yaml\n"
      "  nacelle apply -f manifests/ -n team\n"
      "  helm template chart | nacelle apply -f -\n",
      "nacelle apply");
  ClusterFlags flags;
  cli::ApplyOptions options;
  std::vector<std::string> files;
  bool recursive = false;
  bool server_side = true;
  std::string validate = "strict";
  app.add_option("-f,--filename", files, "file, folder, or - for standard input; may be repeated")
      ->required();
  app.add_flag("-R,--recursive", recursive, "folders within folders, too");
  app.add_flag("--dry-run{server}", options.dry_run, "everything but storing it");
  app.add_flag("--server-side", server_side, "what this command always does");
  app.add_flag("--force-conflicts", options.force_conflicts, "take fields that others own");
  app.add_option("--validate", validate,
                 "strict, or warn: unknown fields of custom kinds are left out with a warning")
      ->check(CLI::IsMember({"strict", "warn"}))
      ->capture_default_str();
  add_cluster_flags(app, flags, true);
  if (const auto code = parse_command_line(app, args)) return *code;
  options.strict = validate == "strict";
  options.name_space_given = !flags.name_space.empty();
  auto objects = read_all(files, recursive);
  if (!objects.ok()) return fail("apply", objects.error());
  if (objects->empty()) return fail("apply", not_found("no objects in what was given with -f"));
  return run_on_cluster("apply", flags, [&](cli::Cluster& cluster, const cli::Terminal& terminal) {
    return cli::apply(cluster, std::move(*objects), options, terminal);
  });
}

int get_command(const Args& args) {
  CLI::App app(
      "Shows objects: KIND, KIND NAME, KIND/NAME, KIND,KIND. Kinds have short names, and `all` is "
      "a group of them.\n\n"
      "  nacelle get pods -A\n"
      "  nacelle get llminferenceservices -w\n"
      "  nacelle get deployment/web -o yaml\n",
      "nacelle get");
  using Output = cli::GetOptions::Output;
  ClusterFlags flags;
  cli::GetOptions options;
  std::string output;
  bool no_headers = false;
  app.add_option("KIND", options.words, "KIND [NAME...] or KIND/NAME...")->required();
  app.add_option("-o,--output", output, "wide, yaml, json or name")
      ->check(CLI::IsMember({"wide", "yaml", "json", "name"}));
  app.add_flag("-A,--all-namespaces", options.all_namespaces, "objects of all namespaces");
  app.add_flag("-w,--watch", options.watch, "goes on with what changes, until it is interrupted");
  app.add_option("-l,--selector", options.label_selector, "labels: a=b,c!=d");
  app.add_option("--field-selector", options.field_selector, "fields: status.phase=Running");
  app.add_flag("--no-headers", no_headers, "rows only");
  app.add_flag("--ignore-not-found", options.ignore_not_found, "no error for what is not there");
  add_cluster_flags(app, flags, true);
  if (const auto code = parse_command_line(app, args)) return *code;
  const std::map<std::string, Output> outputs = {{"", Output::kTable},
                                                 {"wide", Output::kWide},
                                                 {"yaml", Output::kYaml},
                                                 {"json", Output::kJson},
                                                 {"name", Output::kName}};
  options.output = outputs.at(output);
  options.headers = !no_headers;
  return run_on_cluster("get", flags, [&](cli::Cluster& cluster, const cli::Terminal& terminal) {
    return cli::get(cluster, options, terminal);
  });
}

int delete_command(const Args& args) {
  CLI::App app(
      "Deletes objects and waits until they are gone.\n\n"
      "  nacelle delete pod web-0\n"
      "  nacelle delete -f manifests/\n"
      "  nacelle delete jobs -l app=batch\n",
      "nacelle delete");
  ClusterFlags flags;
  cli::RemoveOptions options;
  std::vector<std::string> files;
  std::string cascade = "background";
  bool recursive = false;
  bool now = false;
  int grace = -1;
  double timeout = 0;
  app.add_option("KIND", options.words, "KIND NAME..., KIND/NAME..., KIND with -l or --all");
  app.add_option("-f,--filename", files, "the objects of a file, a folder, or - ");
  app.add_flag("-R,--recursive", recursive, "folders within folders, too");
  app.add_option("-l,--selector", options.label_selector, "those with these labels");
  app.add_flag("--all", options.all, "all of the kind in the namespace");
  app.add_flag("--ignore-not-found", options.ignore_not_found, "no error for what is not there");
  app.add_flag("--wait,!--no-wait", options.wait, "wait until they are gone (default)");
  app.add_option("--timeout", timeout, "seconds to wait; 0 waits as long as it takes")
      ->check(CLI::Range(0.0, 1e6));
  app.add_option("--cascade", cascade, "background, foreground, or orphan: leaves what it owns")
      ->check(CLI::IsMember({"background", "foreground", "orphan"}))
      ->capture_default_str();
  app.add_option("--grace-period", grace, "seconds a pod may take to end")
      ->check(CLI::Range(0, 1000000));
  app.add_flag("--now", now, "one second of grace");
  app.add_flag("--dry-run{server}", options.dry_run, "everything but doing it");
  add_cluster_flags(app, flags, true);
  if (const auto code = parse_command_line(app, args)) return *code;
  if (options.words.empty() == files.empty()) {
    return fail("delete", invalid_argument("name objects, or give files with -f")), 2;
  }
  if (grace >= 0) options.grace_seconds = grace;
  if (now) options.grace_seconds = 1;
  options.timeout = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(timeout));
  options.propagation = cascade == "orphan"       ? kube::Propagation::kOrphan
                        : cascade == "foreground" ? kube::Propagation::kForeground
                                                  : kube::Propagation::kBackground;
  auto objects = read_all(files, recursive);
  if (!objects.ok()) return fail("delete", objects.error());
  options.objects = std::move(*objects);
  return run_on_cluster("delete", flags, [&](cli::Cluster& cluster, const cli::Terminal& terminal) {
    return cli::remove(cluster, options, terminal);
  });
}

int logs_command(const Args& args) {
  CLI::App app(
      "Prints what a container of a pod wrote.\n\n"
      "  nacelle logs web-0 -f\n"
      "  nacelle logs web-0 -c engine --tail 100\n"
      "  nacelle logs web-0 -p        # of the container before its restart\n",
      "nacelle logs");
  ClusterFlags flags;
  cli::LogsOptions options;
  std::int64_t tail = -1;
  std::int64_t since = 0;
  app.add_option("POD", options.pod, "POD or pod/POD")->required();
  app.add_option("-c,--container", options.container, "which container");
  app.add_flag("-f,--follow", options.follow, "goes on until the container ends");
  app.add_flag("-p,--previous", options.previous, "of the container before its last restart");
  app.add_flag("--timestamps", options.timestamps, "the time before every line");
  app.add_option("--tail", tail, "the last lines only")->check(CLI::Range(0, 1000000000));
  app.add_option("--since", since, "of the last seconds only")->check(CLI::Range(1, 1000000000));
  add_cluster_flags(app, flags, true);
  if (const auto code = parse_command_line(app, args)) return *code;
  if (tail >= 0) options.tail = tail;
  if (since > 0) options.since_seconds = since;
  return run_on_cluster("logs", flags, [&](cli::Cluster& cluster, const cli::Terminal& terminal) {
    return cli::logs(cluster, options, terminal);
  });
}

}  // namespace nacelle::apps
