#include "gateway/connect_message.hpp"

#include "gateway/json_shape.hpp"
#include "gateway/strict_json.hpp"
#include "runtime/base/new_message.hpp"
#include "texts/cut.hpp"
#include "texts/letters.hpp"

#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>

namespace tocsin::gateway {

namespace protobuf = google::protobuf;
using grpc::StatusCode;

std::optional<Codec> codec_of(std::string_view content_type) {
    std::string type = texts::lower_case(content_type.substr(0, content_type.find(';')));
    while (type.ends_with(' ')) type.pop_back();
    if (type == "application/json") return Codec::json;
    if (type == "application/proto") return Codec::proto;
    return std::nullopt;
}

// The reader says `(path)name: what`, `(path): invalid value V for type T` or, where an object
// stands for a scalar, `(path): invalid value Starting an object ... for type NAME`. The path in
// full is what a caller looks for.
static ConnectError json_refusal(std::string_view text) {
    std::string field;
    if (text.starts_with('(')) {
        const std::size_t end = std::min(text.find(')'), text.size() - 1);
        field = text.substr(1, end - 1);
        text.remove_prefix(end + 1);
    }
    text = text.substr(0, text.find('\n'));  // The rest is a drawing of where it is.
    const auto add = [&](std::string_view name) {
        name.remove_prefix(std::min(name.find_first_not_of(' '), name.size()));
        field.append(field.empty() || name.empty() ? "" : ".").append(name);
    };
    if (const std::size_t colon = text.find(": "); colon != std::string_view::npos) {
        add(text.substr(0, colon));
        text.remove_prefix(colon + 2);
    }
    static constexpr std::string_view for_type = " for type ";
    const std::size_t type = text.rfind(for_type);
    if (text.starts_with("invalid value Starting") && type != std::string_view::npos)
        add(text.substr(type + for_type.size()));
    const std::string what(texts::cut(text, 300));
    return bad_field("BAD_JSON", field,
                     field.empty() ? "JSON: " + what : fmt::format("JSON: {}: {}", field, what));
}

std::expected<std::unique_ptr<protobuf::Message>, ConnectError> read_message(
    Codec codec, std::string_view body, const protobuf::Descriptor* type) {
    auto message = runtime::new_message(type);
    if (codec == Codec::proto) {
        if (!message->ParseFromArray(body.data(), static_cast<int>(body.size())))
            return std::unexpected(refusal(StatusCode::INVALID_ARGUMENT, "BAD_PROTO",
                                           fmt::format("the body is no {}", type->full_name())));
        return message;
    }
    if (const auto fault = json_fault(body))
        return std::unexpected(
            refusal(StatusCode::INVALID_ARGUMENT, "BAD_JSON",
                    fmt::format("JSON: {}, at byte {}", fault->what, fault->offset)));
    if (const auto fault = shape_fault(body, type))
        return std::unexpected(bad_field("BAD_JSON", fault->field,
                                         fmt::format("JSON: {}: {}", fault->field, fault->what)));
    protobuf::util::JsonParseOptions options;
    options.ignore_unknown_fields = false;
    const auto status = protobuf::util::JsonStringToMessage(
        protobuf::StringPiece(body.data(), body.size()), message.get(), options);
    if (!status.ok())
        return std::unexpected(json_refusal({status.message().data(), status.message().size()}));
    return message;
}

}  // namespace tocsin::gateway
