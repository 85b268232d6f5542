// SPDX-License-Identifier: Apache-2.0
#include "workflow/source_parameters.h"

#include <fmt/format.h>

#include <algorithm>

#include "error/spelling.h"
#include "http/secret_value.h"

namespace geoloom::workflow {
namespace {

const Value* given(const Value& map, std::string_view key) {
  const Value* value = map.kind == Value::Kind::map ? map.find(key) : nullptr;
  return value && !value->is_null() ? value : nullptr;
}

SourceParameters bound(const Value& value, const std::string& owner) {
  SourceParameters source;
  Parameters parameters;
  source.declare(parameters);
  parameters.bind(value, owner);
  source.check(value);
  return source;
}

Value named_source(const Value& name, const Document& document) {
  const Value* found = given(document.sources, name.text);
  if (name.kind == Value::Kind::string && found) {
    Value source = *found;
    if (source.kind != Value::Kind::map) throw_wrong_type(source, "sources." + name.text, "a map");
    Value called = name;
    called.quoted = true;
    source.map.emplace_back("name", std::move(called));
    return source;
  }
  const auto known = document.sources.keys();
  throw name.error(fmt::format("there is no source '{}'", name.text))
      .hint(known.empty() ? "describe it under `sources:`" : spelling_hint(name.text, known));
}

// A mask of the source is the load's, unless that has one.
void take_mask(Value& source, Value& arguments) {
  const auto mask = std::find_if(source.map.begin(), source.map.end(),
                                 [](const auto& member) { return member.first == "mask"; });
  if (mask == source.map.end()) return;
  if (arguments.find("mask") == nullptr) arguments.map.emplace_back("mask", mask->second);
  source.map.erase(mask);
}

}  // namespace

void SecretParameter::declare(Parameters& p) {
  p.add("secret", &secret, "Name of a secret of the document").required();
}

void BasicAuthParameters::declare(Parameters& p) {
  p.add("user", &user, "User name").required();
  p.add("password", &password, "Password").required();
}

void HeaderAuthParameters::declare(Parameters& p) {
  p.add("name", &name, "Name of the header, such as X-Api-Key").required();
  p.add("value", &value, "Its value").required();
}

void AuthParameters::declare(Parameters& p) {
  p.add("bearer", &bearer, "A token: `{secret: NAME}`");
  p.add("basic", &basic, "User name and password");
  p.add("header", &header, "A header of its own");
  p.add("assets", &assets, "Images of the same server are asked for with it too");
}

void SignParameters::declare(Parameters& p) {
  p.add("endpoint", &endpoint,
        "Address that signs: asked with ?href=ADDRESS, answers {\"href\": SIGNED}");
  p.add("command", &command,
        "Name of a secret whose command (GEOLOOM_SECRET_NAME_COMMAND) reads an address and prints "
        "the signed one");
}

void HarmoniseParameters::declare(Parameters& p) {
  p.add("scale", &scale, "Factor of the physical values");
  p.add("offset", &offset, "Added after that");
}

void CollectionParameters::declare(Parameters& p) {
  p.add("id", &id, "Name of the collection").required().main();
  p.add("sensor", &sensor, "Its sensor; default: that of the source");
  p.add("where", &where, "Conditions of this collection, beside those of the source");
  p.add("offset", &offset, "As of the source, for this collection");
  p.add("harmonise", &harmonise, "Coefficients by band: {red: {scale: 0.98, offset: 0.002}}");
}

void SourceParameters::declare(Parameters& p) {
  p.add("name", &name, "How it is called in messages; default: its name under `sources`");
  p.add("stac", &stac,
        "A STAC API (address of its landing page), or a static catalogue, collection or item "
        "collection (address or path)");
  p.add("scenes", &scenes,
        "Instead of stac: folders, globs, list files (.txt, .csv), images, .SAFE products")
      .meaning(Meaning::path);
  p.add("files", &files,
        "How the files of a folder make scenes: {scene}_{band}.tif puts files of one scene "
        "together, one band each; * stands for anything");
  p.add("parts", &parts, "Where {band} names several bands: {10m: [B02, B03, B04, B08]}");
  p.add("collection", &collection, "The collection, where there is one");
  p.add("collections", &collections, "The collections, joined by common names of bands");
  p.add("sensor", &sensor,
        "Name of a sensor (`geoloom sensors`), or a description of your own (.yaml)");
  p.add("auth", &auth, "Who asks");
  p.add("sign", &sign, "How addresses of images are signed, when they are read");
  p.add("where", &where,
        "Conditions on properties of items: {eo:cloud_cover: \"< 70\", platform: {in: [a, b]}}");
  p.add("offset", &offset,
        "Offset that came with a processing baseline: auto (by baseline and provider), metadata, "
        "baseline, none, or a number added to the digital numbers");
  p.add("mask", &mask, "The mask of every load that has none of its own; see load");
  p.add("period", &period, "Only scenes of this time, beside the load's period");
  p.add("bbox", &bbox, "Only scenes that touch west, south, east, north, beside the area");
  p.add("exclude", &exclude, "CSV of scenes to leave out: id, reason").meaning(Meaning::path);
  p.add("date_pattern", &date_pattern, "Of plain files; see load");
  p.add("band_names", &band_names, "Of plain files; see load");
  p.add("most_items", &most_items, "More items than this are an error").range(1, 10'000'000);
  p.add("requests", &requests, "Requests to a server on their way at a time").range(1, 256);
}

void SourceParameters::check(const Value& place) const {
  const auto at = [&](std::string_view key) -> const Value& {
    const Value* value = given(place, key);
    return value ? *value : place;
  };
  if (stac.empty() == scenes.empty())
    throw place.error("a source needs either `stac` or `scenes`")
        .hint("stac: the address of an API or a catalogue; scenes: a folder, a glob or a list");
  if (!collection.empty() && !collections.empty())
    throw at("collection").error("`collection` and `collections` exclude each other");
  if (!files.empty() && scenes.empty()) throw at("files").error("`files` goes with `scenes`");
  if (!files.empty() && files.find("{scene}") == std::string::npos)
    throw at("files")
        .error(fmt::format("the pattern '{}' does not say what a scene is called", files))
        .hint("as in files: '{scene}_{band}.tif'");
  if (!parts.empty() && files.empty()) throw at("parts").error("`parts` goes with `files`");
  if (!bbox.empty() && bbox.size() != 4)
    throw at("bbox").error("bbox needs four numbers: west, south, east, north");
  if (auth && auth->bearer.has_value() + auth->basic.has_value() + auth->header.has_value() != 1)
    throw at("auth").error("auth needs exactly one of bearer, basic and header");
  if (sign && sign->endpoint.empty() == sign->command.empty())
    throw at("sign").error("sign needs either `endpoint` or `command`");
  if (sign && !sign->command.empty() && !http::is_secret_name(sign->command))
    throw at("sign").error(fmt::format("'{}' cannot be the name of a secret", sign->command));
  if (sign && auth && auth->assets)
    throw at("sign").error("`sign` and `auth: {assets: true}` exclude each other");
  for (const auto& each : all_collections()) {
    conditions_of(each.where);
    offset_choice_of(each.offset);
  }
  conditions_of(where);
}

std::vector<CollectionParameters> SourceParameters::all_collections() const {
  auto all = collections;
  if (all.empty()) all.push_back({collection, {}, {}, {}, {}});
  for (auto& each : all) {
    if (each.sensor.empty()) each.sensor = sensor.empty() ? "generic" : sensor;
    if (each.offset.is_null()) each.offset = offset;
  }
  return all;
}

std::vector<catalog::PropertyCondition> conditions_of(const Value& where) {
  std::vector<catalog::PropertyCondition> conditions;
  if (where.is_null()) return conditions;
  if (where.kind != Value::Kind::map)
    throw_wrong_type(where, "where", "a map of properties and conditions");
  for (const auto& [property, value] : where.map) {
    try {
      if (value.kind == Value::Kind::map) {
        for (const auto& [op, operand] : value.map)
          conditions.push_back(catalog::property_condition(property, op, to_json(operand)));
      } else if (value.kind == Value::Kind::list) {
        conditions.push_back(catalog::property_condition(property, "in", to_json(value)));
      } else if (value.kind == Value::Kind::string) {
        conditions.push_back(catalog::property_condition(property, value.text));
      } else {
        conditions.push_back(catalog::property_condition(property, "eq", to_json(value)));
      }
    } catch (Error& error) {
      error.at(value.place());
      throw;
    }
  }
  return conditions;
}

catalog::OffsetChoice offset_choice_of(const Value& value) {
  using catalog::OffsetPolicy;
  if (value.is_null()) return {};
  if (value.kind == Value::Kind::integer || value.kind == Value::Kind::number)
    return {OffsetPolicy::number, value.number};
  if (value.text == "auto") return {};
  if (value.text == "metadata") return {OffsetPolicy::metadata, 0};
  if (value.text == "baseline") return {OffsetPolicy::baseline, 0};
  if (value.text == "none") return {OffsetPolicy::none, 0};
  throw value.error(fmt::format("'{}' does not say which offset", value.text))
      .hint("auto, metadata, baseline, none, or a number such as -1000");
}

void read_sources(const Value& root, Document& document) {
  if (const Value* sources = given(root, "sources")) {
    if (sources->kind != Value::Kind::map) throw_wrong_type(*sources, "sources", "a map");
    check_expressions(*sources);
    for (const auto& [name, value] : sources->map)
      if (!is_proper_name(name))
        throw value.error(fmt::format("'{}' cannot be the name of a source", name))
            .hint("names begin with a to z and go on with a to z, 0 to 9, '_' and '-'");
    document.sources = *sources;
  }
  if (const Value* secrets = given(root, "secrets")) {
    if (secrets->kind != Value::Kind::list)
      throw_wrong_type(*secrets, "secrets", "a list of names");
    for (const auto& name : secrets->list) document.secrets.push_back(name.text);
  }
}

void check_secrets(const Value& value, const std::vector<std::string>& declared) {
  if (const Value* name = given(value, "secret")) {
    if (!http::is_secret_name(name->text))
      throw name->error(fmt::format("'{}' cannot be the name of a secret", name->text))
          .hint("names of secrets are written in capitals, digits and '_': STAC_TOKEN");
    if (std::find(declared.begin(), declared.end(), name->text) == declared.end())
      throw name->error(fmt::format("the secret '{}' is not declared", name->text))
          .hint(fmt::format("write `secrets: [{}]` at the top of the document", name->text));
  }
  for (const auto& element : value.list) check_secrets(element, declared);
  for (const auto& member : value.map) check_secrets(member.second, declared);
}

void check_sources(const Document& document) {
  for (const auto& [name, value] : document.sources.map) {
    bound(value, "sources." + name);
    check_secrets(value, document.secrets);
  }
}

namespace {

Value* member_of(Value& map, std::string_view name) {
  const auto found = std::find_if(map.map.begin(), map.map.end(),
                                  [&](const auto& member) { return member.first == name; });
  return found == map.map.end() ? nullptr : &found->second;
}

// A name, several, or what would stand there, as a list of the latter.
std::vector<Value> sources_in(const Value& source, const Document& document) {
  auto list = source.kind == Value::Kind::list ? source.list : std::vector<Value>{source};
  for (auto& each : list) {
    if (each.kind != Value::Kind::map) each = named_source(each, document);
    check_secrets(each, document.secrets);
  }
  return list;
}

void put_list(Value& value, std::vector<Value> list) {
  value.list = std::move(list);
  value.kind = Value::Kind::list;
}

// Rules of a mask may read elevation models of sources.
void resolve_in_rule(Value& rule, const Document& document) {
  Value* const terrain = member_of(rule, "terrain_shadow");
  Value* const source = terrain == nullptr ? nullptr : member_of(*terrain, "source");
  if (source != nullptr) put_list(*source, sources_in(*source, document));
}

}  // namespace

Value with_sources(const Value& arguments, const Document& document) {
  Value out = arguments;
  if (Value* const source = member_of(out, "source")) {
    auto list = sources_in(*source, document);
    for (auto& each : list) take_mask(each, out);
    put_list(*member_of(out, "source"), std::move(list));
  }
  if (Value* const mask = member_of(out, "mask")) {
    resolve_in_rule(*mask, document);
    for (auto& rule : mask->list) resolve_in_rule(rule, document);
  }
  return out;
}

}  // namespace geoloom::workflow
