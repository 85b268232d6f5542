// SPDX-License-Identifier: Apache-2.0
// geoloom doctor: what is installed, what is missing, which CPU target runs.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdlib>
#include <iostream>

#include "cli/commands.h"
#include "cli/doctor_delivery.h"
#include "cli/quantities.h"
#include "engine/item_handler.h"
#include "engine/process_memory.h"
#include "engine/runner.h"
#include "gdal/dataset.h"
#include "kernels/target.h"

namespace geoloom::cli {

void add_doctor(CLI::App& app, Commands& commands) {
  auto* command =
      app.add_subcommand("doctor", "What is installed, what is missing, which CPU target runs");
  command->add_flag("--json", commands.json, "As JSON");
  const auto delivery = std::make_shared<DeliveryArguments>();
  delivery->add_to(*command);
  command->callback([&commands, delivery] {
    if (delivery->given()) {
      commands.exit_code = report_delivery(*delivery, commands.json);
      return;
    }
    auto warnings = workflow::OrderedJson::array();
    if (!gdal::built_with_libdeflate())
      warnings.push_back(
          "GDAL is built without libdeflate: DEFLATE scenes decode about three times slower");
    const workflow::OrderedJson report{
        {"build", engine::build_identity()},
        {"gdal", gdal::version()},
        {"libdeflate", gdal::built_with_libdeflate()},
        {"scene_formats", gdal::allowed_drivers()},
        {"cpu_target", kernels::chosen_target()},
        {"cpu_targets", kernels::supported_targets()},
        {"cores", engine::available_cores()},
        {"memory_bytes", engine::machine_memory_bytes()},
        {"default_memory_bytes", engine::default_memory_bytes()},
        {"s3_credentials", std::getenv("AWS_ACCESS_KEY_ID") != nullptr},
        {"s3_endpoint", std::getenv("AWS_S3_ENDPOINT") ? std::getenv("AWS_S3_ENDPOINT") : ""},
        {"warnings", warnings}};
    if (commands.json) {
      std::cout << report.dump(1) << "\n";
      return;
    }
    std::cout << fmt::format(
        "geoloom      {}\nGDAL         {}, {}\nscenes       {}\n",
        report["build"].get<std::string>(), gdal::version(),
        gdal::built_with_libdeflate() ? "with libdeflate" : "without libdeflate",
        fmt::join(gdal::allowed_drivers(), ", "));
    std::cout << fmt::format("CPU target   {} (can run: {}; GEOLOOM_CPU_TARGET forces one)\n",
                             kernels::chosen_target(),
                             fmt::join(kernels::supported_targets(), ", "));
    std::cout << fmt::format(
        "machine      {} cores, {}; a run uses at most {} unless --memory says otherwise\n",
        engine::available_cores(),
        format_bytes(static_cast<double>(engine::machine_memory_bytes())),
        format_bytes(static_cast<double>(engine::default_memory_bytes())));
    std::cout << fmt::format(
        "S3           {}\n",
        std::getenv("AWS_ACCESS_KEY_ID")
            ? "credentials in the environment"
            : "no AWS_ACCESS_KEY_ID in the environment (only needed for s3://)");
    for (const auto& warning : warnings)
      std::cout << "warning: " << warning.get<std::string>() << "\n";
  });
}

}  // namespace geoloom::cli
