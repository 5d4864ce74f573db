// Verbs that take more than one call, or a look at the answer.
#pragma once

#include "cli/client.hpp"
#include "cli/options.hpp"
#include "content/content.hpp"

#include <string>
#include <vector>

namespace tocsin::cli {

struct Edit {
    std::string message;
    std::string etag;  // empty: the current one is read first
    std::string draft_file;
    std::vector<std::string> acknowledged;
};
void revise_message(Client& client, const Options& options, const Edit& edit);
void submit_message(Client& client, const Options& options, const Edit& edit);

// `source`: a JSON file with a draft, or the id of a message.
void preview_message(Client& client, const Options& options, const std::string& source);

// A sentence for each correction of a reading that started the message of a review, oldest first:
// what is under review was written of what the provider said before.
std::vector<std::string> corrections_in(const Json& review);
void get_review(Client& client, const Options& options, const std::string& message);
void print_review(Json review);

struct Approving {
    std::string message;
    std::string digest;  // empty: that of the review, after it was shown
    std::string comment;
};
void approve(Client& client, const Options& options, const Approving& approving);
// What is approved is read from the very bytes whose digest is sent, never from a copy beside them.
// Throws Failure where they are not those bytes, or hold anything that cannot be shown: approval
// binds to all of it.
content::Content reviewed_content(const Json& review);
// All that a person reads before the question.
std::string text_to_approve(const Json& review);

// Throws Failure with the exit code for what is not released everywhere.
void get_release(Client& client, const Options& options, const std::string& release,
                 const std::string& message);

// With the series that rules read. Throws Failure where there is no such source.
void get_source(Client& client, const Options& options, const std::string& source);
void print_source(Json source);

// Whether a watch whose stream ended so begins another.
bool goes_on(const grpc::Status& ended);

// One line per change, until interrupted; goes on after an interruption of the stream.
void watch(Client& client, const Options& options, const std::string& incident);

void ledger_status(Client& client, const Options& options, const std::string& service);

}  // namespace tocsin::cli
