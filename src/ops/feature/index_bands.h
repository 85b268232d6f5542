// SPDX-License-Identifier: Apache-2.0
// Which band of a cube is the N, R, S1 ... of a spectral index.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "catalog/sensor.h"
#include "raster/cube.h"

namespace geoloom::ops {

class IndexBands {
 public:
  // `chosen`: letter -> band, by the user. `sensor`: whose names the bands have; empty: that is
  // found out. Throws Error(invalid) for bands and sensors that are not there, `op` being what
  // messages call it.
  IndexBands(const raster::CubeSchema& input, const std::map<std::string, std::string>& chosen,
             const std::string& sensor, const std::string& op);

  // In this order: the user's choice; a band called by the letter; by the letter's common name, in
  // any of its usual spellings; by a name that the sensor has for it. Without a sensor all those
  // that know the most bands must agree. nullopt: there is none. N is the band nir08 where there is
  // no nir, as on Landsat.
  std::optional<size_t> find(const std::string& letter) const;
  // The centre of that band, where the sensor is known.
  std::optional<double> wavelength_nm(const std::string& letter) const;

 private:
  std::optional<size_t> by_common_name(const std::string& common) const;
  std::optional<size_t> by_sensor(const std::string& common, const catalog::Sensor& sensor) const;
  const raster::CubeSchema& input_;
  std::map<std::string, size_t> chosen_;
  std::vector<const catalog::Sensor*> sensors_;  // that may have made the bands
};

}  // namespace geoloom::ops
