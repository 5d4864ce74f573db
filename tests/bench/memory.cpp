// memory.message: what a released message costs in resident memory for ever.
//
// A Tocsin with a long history, one released bilingual message every five minutes over the past, of
// which those of the last twelve hours are in force, is started anew, so that only what it keeps is
// counted and not what its allocator was left with. A start with the history up to the first
// message is taken off.
#include "bench/benchmarks.hpp"
#include "bench/city.hpp"
#include "bench/copies.hpp"
#include "bench/floor.hpp"
#include "bench/setup.hpp"
#include "runtime/base/digest.hpp"
#include "texts/enum_names.hpp"
#include "tocsin/drafting/v1/drafting_service.grpc.pb.h"
#include "tocsin/publishing/v1/publishing_service.grpc.pb.h"

#include <fmt/format.h>

#include <csignal>
#include <stdexcept>

namespace tocsin::bench {

using namespace std::chrono_literals;

static constexpr auto spacing = std::chrono::minutes(5);

static void check_released(const Stage& stage, const Running& all, const std::string& message_id) {
    drafting::v1::GetMessageRequest request;
    request.set_message_id(message_id);
    drafting::v1::GetMessageResponse response;
    const auto drafting = drafting::v1::DraftingService::NewStub(all.channel);
    const bool released = wait_until(30s, [&] {
        grpc::ClientContext context;
        prepare(context, "Bearer " + author_token(stage));
        return drafting->GetMessage(&context, request, &response).ok() &&
               response.message().state() == drafting::v1::MESSAGE_STATE_RELEASED;
    });
    publishing::v1::GetReleaseRequest query;
    query.set_message_id(message_id);
    publishing::v1::GetReleaseResponse release;
    grpc::ClientContext context;
    prepare(context, "Bearer " + author_token(stage));
    expect_ok(publishing::v1::PublishingService::NewStub(all.channel)
                  ->GetRelease(&context, query, &release),
              "GetRelease");
    if (!released || release.release().digest() != response.message().digest())
        throw std::runtime_error("the copied history is not one: " + message_id + " is " +
                                 std::string(texts::enum_name(response.message().state())));
}

std::vector<Figure> memory(Stage& stage) {
    const auto messages = stage.dose<std::int64_t>(100'000, 2'000);
    const int starts = stage.dose(5, 1);
    stage.clear();
    Running first = start_all(stage);
    set_up(stage, first);
    std::vector<double> empty, full;
    first.program->end(SIGTERM);
    for (int start = 0; start < starts; ++start) {
        Running all = start_all(stage);
        empty.push_back(all.program->calm_resident_bytes());
        all.program->end(SIGTERM);
    }
    Running model = start_all(stage);
    const Specimen specimen = publish_specimen(stage, model);
    say(fmt::format("memory of an empty history {:.0f} MB; writing that of {} messages",
                    median(empty) / 1e6, messages));
    stage.clear();
    write_copies(stage, specimen, messages, spacing);
    for (int start = 0; start < starts; ++start) {
        Running all = start_all(stage);
        check_released(stage, all, copied_message_id(specimen, 1));
        check_released(stage, all, copied_message_id(specimen, messages));
        full.push_back(all.program->calm_resident_bytes());
        all.program->end(SIGTERM);
        say(fmt::format("memory, start {}: {:.0f} MB with {} messages", start + 1,
                        full.back() / 1e6, messages));
    }
    return {less_is_better(
        "memory.message", (median(full) - median(empty)) / static_cast<double>(messages),
        static_cast<double>(specimen.content.size()), "B",
        fmt::format("the content's bytes; {:.0f} MB with {} messages, {:.0f} MB with none",
                    median(full) / 1e6, messages, median(empty) / 1e6),
        6)};
}

}  // namespace tocsin::bench
