#include "bench/specimen.hpp"

#include "bench/city.hpp"
#include "bench/floor.hpp"
#include "bench/messages.hpp"
#include "bench/setup.hpp"
#include "runtime/ledger/topics.hpp"
#include "runtime/ledger/view.hpp"

#include <csignal>
#include <stdexcept>

namespace tocsin::bench {

using namespace std::chrono_literals;

static Place place_of(const std::string& topic) {
    return {topic, runtime::partition_of(realm, Stage::partitions)};
}

static std::int64_t records_of(const Stage& stage, const std::string& service) {
    return end_offset(stage.kafka(), place_of(runtime::ledger_topic("live", service)));
}

static std::int64_t commands_of(const Stage& stage, const std::string& service) {
    return end_offset(stage.kafka(), place_of(runtime::commands_topic("live", service)));
}

// How many records there are in all.
static std::int64_t amount(const Stage& stage) {
    std::int64_t sum = 0;
    for (const char* service : services)
        sum += records_of(stage, service) + commands_of(stage, service);
    return sum;
}

static void await_calm(const Stage& stage) {
    std::int64_t last = -1;
    auto since = Clock::now();
    const bool calm = wait_until(60s, [&] {
        const std::int64_t now = amount(stage);
        if (now != last) since = Clock::now();
        last = now;
        return Clock::now() - since > 2s;
    });
    if (!calm) throw std::runtime_error("Tocsin goes on deciding though nobody asks");
}

static content::v1::Draft draft_of_specimen() {
    content::v1::Draft draft = make_draft();
    draft.add_agencies("city");
    const std::string number = std::string(" (") + Specimen::number + ")";
    draft.set_title(draft.title() + number);
    for (content::v1::Text& text : *draft.mutable_texts())
        text.set_headline(text.headline() + number);
    return draft;
}

Specimen publish_specimen(Stage& stage, Running& all) {
    Specimen specimen;
    await_calm(stage);
    for (const char* service : services)
        specimen.parts.push_back(
            {.service = service,
             .records = {},
             .commands = 0,
             .records_before = static_cast<std::size_t>(records_of(stage, service)),
             .commands_before = commands_of(stage, service)});
    const std::string token = author_token(stage);
    const drafting::v1::Message message =
        submit(all, token, open_incident(stage, all), draft_of_specimen());
    specimen.message_id = message.message_id();
    specimen.content = message.content();
    approve(all, approver_token(stage), message);
    const publishing::v1::Release release =
        await_release(all, token, specimen.message_id, publishing::v1::RELEASE_STATE_RELEASED, 30s);
    specimen.release_id = release.release_id();
    for (const auto& delivery : release.deliveries())
        specimen.keys.push_back(delivery.idempotency_key());
    await_calm(stage);
    all.program->end(SIGTERM);
    for (Specimen::Part& part : specimen.parts) {
        part.records =
            records_from(stage.kafka(), place_of(runtime::ledger_topic("live", part.service)), 0);
        part.commands = commands_of(stage, part.service);
    }
    return specimen;
}

}  // namespace tocsin::bench
