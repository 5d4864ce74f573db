// Pages of lists. A page ends by rows, by bytes, or by items that are not the caller's to see,
// whichever is first.
// Its token names the last item that was given, not a number of items: what is added or removed
// meanwhile moves nothing. It is opaque, and refused when it was not made by the same call.
#pragma once

#include <google/protobuf/repeated_ptr_field.h>
#include <grpcpp/grpcpp.h>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace tocsin::runtime {

inline constexpr int page_rows_default = 50;
// Of the rows together, serialised.
inline constexpr std::size_t page_bytes_max = std::size_t{1} << 20;
// Items that one page passes over because they do not concern the caller: a page may therefore have
// no row, and a token for the next.
inline constexpr int page_passed_max = 2000;

// The token of the page that begins after the item `key` of the list `list`, and back: empty for an
// empty token, INVALID_ARGUMENT for one that is of no such list.
std::string page_token(std::string_view list, std::string_view key);
std::expected<std::string, grpc::Status> page_key(std::string_view list, std::string_view token);

// One page in the making: `rows` of a response, filled until `add` says that it is full.
template <class Row>
class PageOf {
public:
    using Rows = google::protobuf::RepeatedPtrField<Row>;

    PageOf(Rows& rows, int page_size, std::string list, std::string begin)
        : rows_(rows),
          rows_max_(page_size == 0 ? page_rows_default : page_size),
          list_(std::move(list)),
          last_(std::move(begin)) {}

    // The key after which it begins; null: at the first item.
    const std::string* after() const { return last_.empty() ? nullptr : &last_; }
    // The same where keys are places of a Listing, which begin at 1; 0: at the first item.
    // `page_key` lets no keys of other lists through.
    std::int64_t after_place() const { return last_.empty() ? 0 : std::stoll(last_); }

    // `fill(Row&)`. False: it was not taken, the page is full.
    template <class Fill>
    bool add(std::string key, Fill&& fill) {
        if (rows_.size() >= rows_max_) return end();
        Row& row = *rows_.Add();
        fill(row);
        bytes_ += row.ByteSizeLong();
        if (bytes_ > page_bytes_max && rows_.size() > 1) {
            rows_.RemoveLast();
            return end();
        }
        last_ = std::move(key);
        return true;
    }
    template <class Fill>
    bool add(std::int64_t key, Fill&& fill) {
        return add(std::to_string(key), std::forward<Fill>(fill));
    }

    // Passes over an item. False: the page has gone through enough of them.
    bool pass(std::string key) {
        if (++passed_ > page_passed_max) return end();
        last_ = std::move(key);
        return true;
    }
    bool pass(std::int64_t key) { return pass(std::to_string(key)); }

    // Empty on the last page.
    std::string next_token() const { return more_ ? page_token(list_, last_) : std::string{}; }

private:
    bool end() {
        more_ = true;
        return false;
    }

    Rows& rows_;
    int rows_max_;
    std::string list_;
    std::string last_;
    std::size_t bytes_ = 0;
    int passed_ = 0;
    bool more_ = false;
};

// Answers a list call: `each(PageOf<Row>&)` goes through the items from where the page begins and
// adds until the page is full. `Request` has `page_size` and `page_token`, `Response` has
// `next_page_token`.
template <class Row, class Request, class Response, class Each>
grpc::Status answer_page(const Request& request, Response& response,
                         google::protobuf::RepeatedPtrField<Row>& rows, Each&& each) {
    const std::string& list = Request::descriptor()->full_name();
    auto begin = page_key(list, request.page_token());
    if (!begin) return begin.error();
    PageOf<Row> page(rows, request.page_size(), list, std::move(*begin));
    std::forward<Each>(each)(page);
    response.set_next_page_token(page.next_token());
    return grpc::Status::OK;
}

}  // namespace tocsin::runtime
