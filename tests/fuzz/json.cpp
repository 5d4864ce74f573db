// The checks before protobuf reads JSON: they agree with another reader on what JSON is, and what
// they let pass means one thing only.
#include "gateway/json_shape.hpp"
#include "gateway/strict_json.hpp"

#include "fuzz/invariant.hpp"
#include "texts/utf8.hpp"

#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>
#include <nlohmann/json.hpp>

#include <memory>
#include <set>
#include <vector>

namespace tocsin::fuzz {
namespace {

using nlohmann::json;

// What the other reader finds in a document that our check may refuse and it does not.
class Other final : public nlohmann::json_sax<json> {
public:
    bool null() override { return count(); }
    bool boolean(bool) override { return count(); }
    bool number_integer(std::int64_t) override { return count(); }
    bool number_unsigned(std::uint64_t) override { return count(); }
    bool number_float(double, const std::string&) override { return count(); }
    bool string(std::string&) override { return count(); }
    bool binary(json::binary_t&) override { return true; }
    bool start_object(std::size_t) override { return open(); }
    bool key(std::string& name) override {
        beyond |= !keys_.back().insert(name).second;
        return true;
    }
    bool end_object() override { return close(); }
    bool start_array(std::size_t) override { return open(); }
    bool end_array() override { return close(); }
    bool parse_error(std::size_t, const std::string&,
                     const nlohmann::detail::exception& error) override {
        overflow = error.id == 406;
        return false;
    }

    bool beyond = false;    // a key given twice, or a limit of ours
    bool overflow = false;  // a number that no double holds is JSON all the same

private:
    bool count() {
        beyond |= ++values_ > gateway::json_values_max;
        beyond |= keys_.size() >= static_cast<std::size_t>(gateway::json_depth_max);
        return true;
    }
    bool open() {
        count();
        keys_.emplace_back();
        return true;
    }
    bool close() {
        keys_.pop_back();
        return true;
    }

    std::vector<std::set<std::string>> keys_;
    int values_ = 0;
};

bool starts_as_object(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\r\n");
    return first != std::string_view::npos && text[first] == '{';
}

void agree(std::string_view text, const std::optional<gateway::JsonFault>& fault) {
    // The other reader takes it for the end.
    if (text.contains('\0')) return must(fault.has_value(), "a text with a NUL is refused");
    Other other;
    const bool taken = json::sax_parse(text.begin(), text.end(), &other);
    if (!fault) {
        must(taken || other.overflow, "what passes is JSON to another reader");
        must(!other.beyond, "what passes has no key twice and keeps the limits");
        must(starts_as_object(text) && texts::is_utf8(text), "what passes is an object");
        return;
    }
    must(fault->offset <= text.size() && !fault->what.empty(), "a refusal says where and why");
    must(texts::is_utf8(fault->what), "a refusal can be shown");
    must(!taken || other.beyond || !starts_as_object(text),
         "what is refused is not JSON, or breaks a limit");
}

constexpr auto proto = R"(
    name: "fuzz.proto" package: "fuzz" syntax: "proto3"
    message_type { name: "Node"
      field { name: "request_id" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
      field { name: "poll_count" number: 2 type: TYPE_INT64 label: LABEL_OPTIONAL }
      field { name: "threshold" number: 3 type: TYPE_DOUBLE label: LABEL_OPTIONAL }
      field { name: "is_test" number: 4 type: TYPE_BOOL label: LABEL_OPTIONAL }
      field { name: "texts" number: 5 type: TYPE_MESSAGE type_name: ".fuzz.Node"
              label: LABEL_REPEATED }
      field { name: "area_names" number: 6 type: TYPE_STRING label: LABEL_REPEATED }
      field { name: "draft" number: 7 type: TYPE_MESSAGE type_name: ".fuzz.Node"
              label: LABEL_OPTIONAL }
      field { name: "values" number: 8 type: TYPE_MESSAGE type_name: ".fuzz.Node.ValuesEntry"
              label: LABEL_REPEATED }
      field { name: "by_name" number: 9 type: TYPE_MESSAGE type_name: ".fuzz.Node.ByNameEntry"
              label: LABEL_REPEATED }
      field { name: "body" number: 10 type: TYPE_BYTES label: LABEL_OPTIONAL }
      nested_type { name: "ValuesEntry" options { map_entry: true }
        field { name: "key" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
        field { name: "value" number: 2 type: TYPE_STRING label: LABEL_OPTIONAL } }
      nested_type { name: "ByNameEntry" options { map_entry: true }
        field { name: "key" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
        field { name: "value" number: 2 type: TYPE_MESSAGE type_name: ".fuzz.Node"
                label: LABEL_OPTIONAL } } })";

// A request of every shape that the real ones have, so that no generated code is needed.
class Node {
public:
    Node() {
        google::protobuf::FileDescriptorProto file;
        must(google::protobuf::TextFormat::ParseFromString(proto, &file), "the type is one");
        type = pool_.BuildFile(file)->FindMessageTypeByName("Node");
    }
    std::unique_ptr<google::protobuf::Message> read(const std::string& text) {
        std::unique_ptr<google::protobuf::Message> made(factory_.GetPrototype(type)->New());
        const auto status = google::protobuf::util::JsonStringToMessage(text, made.get());
        return status.ok() ? std::move(made) : nullptr;
    }

    const google::protobuf::Descriptor* type = nullptr;

private:
    google::protobuf::DescriptorPool pool_;
    google::protobuf::DynamicMessageFactory factory_;
};

// The same document with every object's members the other way round.
std::string turned(const nlohmann::ordered_json& value) {
    if (!value.is_structured()) return value.dump();
    const bool object = value.is_object();
    std::string inside;
    for (const auto& [key, item] : value.items()) {
        const std::string one = (object ? json(key).dump() + ":" : "") + turned(item);
        const std::string comma = inside.empty() ? "" : ",";
        inside = object ? one + comma + inside : inside + comma + one;
    }
    return (object ? "{" : "[") + inside + (object ? "}" : "]");
}

void means_one_thing(std::string_view text) {
    static Node node;
    const auto fault = gateway::shape_fault(text, node.type);
    if (fault) return must(!fault->field.empty() && !fault->what.empty(), "a refusal names it");
    const auto message = node.read(std::string(text));
    if (!message) return;
    const auto document = nlohmann::ordered_json::parse(text, nullptr, false);
    if (document.is_discarded()) return;  // a number that no double holds
    const auto again = node.read(turned(document));
    must(again != nullptr, "the order of members does not decide whether it is read");
    must(google::protobuf::util::MessageDifferencer::Equals(*message, *again) ||
             message->SerializeAsString() == again->SerializeAsString(),
         "the order of members does not change what it means");
}

}  // namespace
}  // namespace tocsin::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace tocsin;
    const std::string_view text = fuzz::text_of(data, size);
    const auto fault = gateway::json_fault(text);
    fuzz::agree(text, fault);
    if (!fault) fuzz::means_one_thing(text);
    return 0;
}
