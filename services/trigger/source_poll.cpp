#include "trigger/source_poll.hpp"

#include "texts/cut.hpp"
#include "trigger/answer_news.hpp"
#include "trigger/poll_pace.hpp"
#include "trigger/window.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <expected>
#include <utility>

namespace tocsin::trigger {

using runtime::HttpResponse;
using runtime::Task;

namespace {

constexpr std::chrono::milliseconds request_timeout{10'000};

// A poll that the budget let begin, until all of its answer is dealt with.
class Budgeted {
public:
    Budgeted(PollBudget& budget, const PollerLinks& links, const Wanted& wanted,
             std::size_t bytes_most)
        : budget_(budget),
          links_(links),
          realm_(wanted.realm),
          source_(wanted.source.source_id()),
          bytes_most_(bytes_most) {}
    ~Budgeted() { budget_.settle(realm_, source_, bytes_most_, bytes, links_.tick()); }
    Budgeted(const Budgeted&) = delete;

    std::size_t bytes = 0;  // of the answer

private:
    PollBudget& budget_;
    const PollerLinks& links_;
    std::string realm_, source_;
    std::size_t bytes_most_;
};

// Where a redirect leads, without what may be secret of it: the whole realm can read it.
std::string where_moved(const v1::Source& source, const HttpResponse& answer) {
    constexpr std::size_t bytes_max = 200;
    const std::string there = runtime::shown_url(source.url(), answer.header("location"));
    if (there.empty()) return ": it moved; ask its operator for the new address, and put that";
    return fmt::format(": it moved to {}; put that address", texts::cut(there, bytes_max));
}

// What may be sent back as it came. Of anything else, the next answer is simply a whole one.
std::string usable_validator(const std::string& header) {
    constexpr std::size_t bytes_max = 1000;
    const auto plain = [](char c) { return c >= 0x20 && c <= 0x7e; };
    return header.size() <= bytes_max && std::ranges::all_of(header, plain) ? header
                                                                            : std::string{};
}

}  // namespace

std::size_t SourcePoll::bytes_most() const {
    return large_ ? format_->bytes_max : std::min(body_bytes_max, format_->bytes_max);
}

void SourcePoll::forget_validators() {
    etag_.clear();
    last_modified_.clear();
}

runtime::HttpRequest SourcePoll::request() const {
    runtime::HttpRequest request;
    request.owner = polled_.wanted.realm;
    request.url = polled_.wanted.source.url();
    request.timeout = request_timeout;
    request.response_bytes_max = bytes_most();
    request.allow_private_addresses = allow_private_addresses_;
    request.headers.emplace_back("Accept", format_->accept);
    if (!etag_.empty()) request.headers.emplace_back("If-None-Match", etag_);
    if (!last_modified_.empty()) request.headers.emplace_back("If-Modified-Since", last_modified_);
    return request;
}

Task<SourcePoll::Outcome> SourcePoll::poll(PollBudget& budget) {
    Budgeted budgeted{budget, links_, polled_.wanted, bytes_most()};
    const runtime::HttpResult answer = co_await links_.http.send(request());
    // Half of an answer, or too much of one, was brought as well.
    budgeted.bytes = answer ? answer->body.size() : answer.error().received_bytes;
    if (polled_.replaced) co_return Outcome{};
    if (!answer && answer.error().kind == runtime::HttpError::Kind::refused_by_limit &&
        bytes_most() < format_->bytes_max) {
        large_ = true;
        Outcome larger;
        larger.again_larger = true;
        co_return larger;
    }
    if (!answer) co_return Outcome{answer.error().text.empty() ? "no answer" : answer.error().text};
    if (answer->status == 304) co_return Outcome{{}, true};
    if (answer->status == 200) co_return co_await take(*answer);
    std::string error = fmt::format("HTTP status {}", answer->status);
    if (answer->status >= 300 && answer->status < 400)
        error += where_moved(polled_.wanted.source, *answer);
    co_return Outcome{std::move(error), false,
                      retry_after(answer->header("retry-after"), links_.now())};
}

Task<SourcePoll::Outcome> SourcePoll::take(const HttpResponse& answer) {
    const Time latest = links_.now() + ahead_most;
    const auto read = [this, &answer, latest]() -> std::expected<Parsed, std::string> {
        try {
            return format_->read(answer.body, latest);
        } catch (const std::exception& failure) {  // Of memory.
            return std::unexpected(std::string{failure.what()});
        }
    };
    // The budget of polls bounds how much waits, so that it counts for nothing here.
    auto taken = co_await runtime::read_aside(links_.aside, polled_.wanted.realm, 0, read);
    if (polled_.over()) co_return Outcome{};
    if (!taken) co_return Outcome{"too many answers wait to be read"};
    auto& parsed = *taken;
    if (!parsed) co_return Outcome{std::move(parsed.error())};
    health_.skipped(polled_.wanted, *parsed);
    large_ = answer.body.size() > body_bytes_max / 4 * 3;
    const bool stored = co_await stream_.send(*parsed);
    if (polled_.over()) co_return Outcome{};
    if (!stored) co_return Outcome{"the readings could not be stored"};
    // Once for the whole answer: record by record, the second record of an old answer would be
    // news.
    if (const auto newest = newest_of(*parsed)) health_.heard(polled_.wanted, *newest);
    // What is still ahead must come again, from a server that would not say it twice.
    const bool all_taken = parsed->skipped[Skip::ahead] == 0;
    etag_ = all_taken ? usable_validator(answer.header("etag")) : std::string{};
    last_modified_ = all_taken ? usable_validator(answer.header("last-modified")) : std::string{};
    co_return Outcome{};
}

}  // namespace tocsin::trigger
