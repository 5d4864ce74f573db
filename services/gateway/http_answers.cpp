#include "gateway/http_answers.hpp"

#include <fmt/format.h>

namespace tocsin::gateway {

std::optional<std::string> joined(const HttpHead& head, std::string_view name) {
    const auto lines = head.equal_range(beast::string_view(name.data(), name.size()));
    if (lines.first == lines.second) return std::nullopt;
    std::string list;
    for (auto line = lines.first; line != lines.second; ++line)
        list.append(line == lines.first ? "" : ", ")
            .append(line->value().data(), line->value().size());
    return list;
}

HttpResponse answer(http::status status, std::string_view media_type, std::string body) {
    return answer(status, media_type, std::make_shared<const std::string>(std::move(body)));
}

HttpResponse answer(http::status status, std::string_view media_type, SharedBody::value_type body) {
    HttpResponse response{status, 11};
    response.set(http::field::content_type, {media_type.data(), media_type.size()});
    response.body() = std::move(body);
    return response;
}

HttpResponse answer(const ConnectError& error, Served& served, http::status status) {
    served.code = code_name(error.code);
    HttpResponse response = answer(status, "application/json", to_json(error));
    if (const auto seconds = retry_after_seconds(error))
        response.set(http::field::retry_after, std::to_string(*seconds));
    return response;
}

HttpResponse answer(const ConnectError& error, Served& served) {
    HttpResponse response = answer(error, served, http::status::ok);
    // 499 is not in Beast's table, so that it is set as a number.
    response.result(static_cast<unsigned>(http_status(error.code)));
    if (response.reason().empty() || error.code == grpc::StatusCode::CANCELLED)
        response.reason({code_name(error.code).data(), code_name(error.code).size()});
    return response;
}

bool reads(const HttpHead& request) {
    return request.method() == http::verb::get || request.method() == http::verb::head;
}

HttpResponse wrong_method(std::string_view allow, Served& served) {
    HttpResponse response = answer(refusal(grpc::StatusCode::UNIMPLEMENTED, "METHOD_NOT_ALLOWED",
                                           fmt::format("this address takes {} only", allow)),
                                   served, http::status::method_not_allowed);
    response.set(http::field::allow, {allow.data(), allow.size()});
    return response;
}

}  // namespace tocsin::gateway
