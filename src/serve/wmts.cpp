// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "geo/web_tile.h"
#include "serve/served_maps.h"

namespace geoloom::serve {
namespace {

// The size of a pixel on the screens of OGC, metres.
constexpr double kStandardPixel_m = 0.00028;

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

std::string operation(const std::string& name, const std::string& base) {
  return fmt::format(
      R"(<ows:Operation name="{}"><ows:DCP><ows:HTTP><ows:Get xlink:href="{}/wmts?">)"
      R"(<ows:Constraint name="GetEncoding"><ows:AllowedValues><ows:Value>KVP</ows:Value>)"
      R"(</ows:AllowedValues></ows:Constraint></ows:Get></ows:HTTP></ows:DCP></ows:Operation>)"
      "\n",
      name, escaped(base));
}

std::string layer(const NamedMap& map, const std::string& base) {
  const auto& bounds = map.map->bounds();
  return fmt::format(
      R"(<Layer><ows:Title>{0}</ows:Title><ows:WGS84BoundingBox><ows:LowerCorner>{1} {2}</ows:LowerCorner>)"
      R"(<ows:UpperCorner>{3} {4}</ows:UpperCorner></ows:WGS84BoundingBox><ows:Identifier>{0}</ows:Identifier>)"
      R"(<Style isDefault="true"><ows:Identifier>default</ows:Identifier></Style><Format>image/png</Format>)"
      R"(<TileMatrixSetLink><TileMatrixSet>GoogleMapsCompatible</TileMatrixSet></TileMatrixSetLink>)"
      R"(<ResourceURL format="image/png" resourceType="tile" )"
      R"(template="{5}/maps/{0}/tiles/{{TileMatrix}}/{{TileCol}}/{{TileRow}}.png"/></Layer>)"
      "\n",
      escaped(map.name), bounds.west, bounds.south, bounds.east, bounds.north, escaped(base));
}

std::string matrix(int zoom) {
  const auto world = geo::web_mercator_world(zoom, 256);
  return fmt::format(
      R"(<TileMatrix><ows:Identifier>{}</ows:Identifier><ScaleDenominator>{:.10f}</ScaleDenominator>)"
      R"(<TopLeftCorner>{:.7f} {:.7f}</TopLeftCorner><TileWidth>256</TileWidth><TileHeight>256</TileHeight>)"
      R"(<MatrixWidth>{}</MatrixWidth><MatrixHeight>{}</MatrixHeight></TileMatrix>)"
      "\n",
      zoom, world.pixel_width / kStandardPixel_m, world.origin_x, world.origin_y,
      int64_t{1} << zoom, int64_t{1} << zoom);
}

}  // namespace

std::string wmts_capabilities(const std::map<std::string, NamedMap>& maps,
                              const std::string& base) {
  std::string xml =
      R"(<?xml version="1.0" encoding="UTF-8"?>
<Capabilities xmlns="http://www.opengis.net/wmts/1.0" xmlns:ows="http://www.opengis.net/ows/1.1" )"
      R"(xmlns:xlink="http://www.w3.org/1999/xlink" version="1.0.0">
<ows:ServiceIdentification><ows:Title>Geoloom</ows:Title><ows:ServiceType>OGC WMTS</ows:ServiceType>)"
      R"(<ows:ServiceTypeVersion>1.0.0</ows:ServiceTypeVersion></ows:ServiceIdentification>
<ows:OperationsMetadata>
)";
  xml += operation("GetCapabilities", base) + operation("GetTile", base) +
         "</ows:OperationsMetadata>\n<Contents>\n";
  for (const auto& [name, map] : maps) xml += layer(map, base);
  xml +=
      "<TileMatrixSet><ows:Identifier>GoogleMapsCompatible</ows:Identifier>"
      "<ows:SupportedCRS>urn:ogc:def:crs:EPSG::3857</ows:SupportedCRS>"
      "<WellKnownScaleSet>urn:ogc:def:wkss:OGC:1.0:GoogleMapsCompatible</WellKnownScaleSet>\n";
  for (int zoom = 0; zoom <= geo::kMostZoom; ++zoom) xml += matrix(zoom);
  xml += "</TileMatrixSet>\n</Contents>\n";
  xml += fmt::format(
      R"(<ServiceMetadataURL xlink:href="{}/wmts/1.0.0/WMTSCapabilities.xml"/></Capabilities>)"
      "\n",
      escaped(base));
  return xml;
}

}  // namespace geoloom::serve
