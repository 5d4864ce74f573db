#include "cli/app.hpp"

#include "cli/run.hpp"

#include "cli/completion.hpp"
#include "cli/credential_verbs.hpp"
#include "cli/failure.hpp"
#include "cli/ledger_verbs.hpp"
#include "cli/people.hpp"
#include "cli/special_verbs.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iostream>
#include <memory>

namespace tocsin::cli {

App::App() : app_("Tocsin from the command line: draft, approve, publish, measure", "tocsin") {
    app_.require_subcommand(1);
    app_.set_version_flag("--version", "tocsin " TOCSIN_VERSION);
    app_.footer(
        "Example: tocsin message list --state in_review\n"
        "Exit codes: 0 ok, 1 failure, 2 usage, 3 not found, 4 auth, 5 precondition or stale "
        "etag, 6 partly published, 7 unknown outcome, 124 timeout");
    add_globals();
    for (const Verb& row : verbs()) add_verb(row);
    add_message_verbs();
    add_review_verbs();
    add_release_verbs();
    add_source_verbs();
    add_credential_verbs();
    add_ledger_verbs();
    add_token_verbs();
    add_small_verbs();
}

void App::add_globals() {
    for (const std::string_view service : service_names) {
        std::string upper(service);
        std::transform(upper.begin(), upper.end(), upper.begin(), [](unsigned char letter) {
            return static_cast<char>(std::toupper(letter));
        });
        app_.add_option("--" + std::string(service), options_.addresses[std::string(service)],
                        fmt::format("gRPC address of {}, host:port", service))
            ->envname("TOCSIN_" + upper);
    }
    app_.add_option("--ca", options_.ca,
                    "CA of the services (PEM); without one plain text, to this machine only")
        ->envname("TOCSIN_CA");
    app_.add_flag("--insecure", options_.insecure,
                  "send the token in plain text to other machines too");
    app_.add_option("--cert", options_.cert, "certificate to show them (PEM), with --key")
        ->envname("TOCSIN_CERT");
    app_.add_option("--key", options_.key, "private key of that certificate (PEM)")
        ->envname("TOCSIN_KEY");
    app_.add_option("--token-file", options_.token_file,
                    "file with a bearer token (or TOCSIN_TOKEN)");
    app_.add_option("--as", options_.as, "mint a token for this person with TOCSIN_ISSUER_KEY")
        ->envname("TOCSIN_AS");
    app_.add_option("--realm", options_.realm, "realm of a minted token");
    app_.add_option("--agency", options_.agency, "agency of a minted token");
    app_.add_option("--roles", options_.roles, "roles of a minted token, with commas");
    app_.add_option("--ttl", options_.ttl_text, "how long a minted token is valid")
        ->capture_default_str();
    app_.add_option("--issuer", options_.issuer, "iss of a minted token")
        ->envname("TOCSIN_JWT_ISSUER")
        ->capture_default_str();
    app_.add_option("--audience", options_.audience, "aud of a minted token")
        ->envname("TOCSIN_JWT_AUDIENCE")
        ->capture_default_str();
    app_.add_option("--request-id", options_.request_id, "repeat the request with this id (UUID)");
    app_.add_option("--timeout", options_.timeout_text, "for all attempts together")
        ->capture_default_str();
    app_.add_flag("--json", options_.json, "proto JSON on standard output");
    app_.add_flag("--yes,-y", options_.yes, "do not ask");
}

static std::function<bool(CLI::App*)> is_named(std::string name) {
    return [name = std::move(name)](const CLI::App* app) { return app->get_name() == name; };
}

CLI::App* App::noun(const std::string& name) {
    if (name.empty()) return &app_;
    const auto found = app_.get_subcommands(is_named(name));
    if (!found.empty()) return found.front();
    const bool vowel = std::string_view("aeiou").find(name.front()) != std::string_view::npos;
    auto* made = app_.add_subcommand(name, fmt::format("about {} {}", vowel ? "an" : "a", name));
    made->require_subcommand(1);
    made->fallthrough();
    return made;
}

CLI::App* App::verb(const std::string& noun_name, const std::string& name,
                    const std::string& meaning, const std::string& example, Action action) {
    auto* made = noun(noun_name)->add_subcommand(name, meaning);
    made->footer("Example: " + example);
    made->fallthrough();
    // A verb below this one is called first, and it is the one that is meant.
    made->callback([this, action = std::move(action)] {
        if (!action_) action_ = action;
    });
    return made;
}

void App::add_verb(const Verb& row) {
    auto given = std::make_shared<Given>();
    auto* made = verb(row.noun, row.name, row.meaning, row.example, [this, &row, given] {
        print_answer(row, client_.call(row.service, row.method, request_of(row, *given)),
                     options_.json);
    });
    for (const Field& field : row.fields) {
        if (field.kind == Field::Kind::truth) {
            made->add_flag_callback(
                field.flag, [given, flag = field.flag] { (*given)[flag] = {"true"}; },
                field.meaning);
            continue;
        }
        auto* option = made->add_option(field.flag, (*given)[field.flag], field.meaning);
        const bool repeats = field.kind == Field::Kind::list || field.kind == Field::Kind::map ||
                             field.kind == Field::Kind::reference;
        option->required(field.needed);
        option->type_size(1);
        option->expected(1);
        option->multi_option_policy(repeats ? CLI::MultiOptionPolicy::TakeAll
                                            : CLI::MultiOptionPolicy::Throw);
    }
}

void App::add_message_verbs() {
    auto edit = std::make_shared<Edit>();
    auto* revise = verb("message", "revise", meaning_of("drafting", "ReviseMessage"),
                        "tocsin message revise MESSAGE --draft draft.json",
                        [this, edit] { revise_message(client_, options_, *edit); });
    auto* submit = verb("message", "submit", meaning_of("drafting", "SubmitMessage"),
                        "tocsin message submit MESSAGE --acknowledge long_headline",
                        [this, edit] { submit_message(client_, options_, *edit); });
    for (auto* one : {revise, submit}) {
        one->add_option("ID", edit->message, "message")->required();
        one->add_option("--etag", edit->etag, "version that was read; the current one by default");
    }
    revise->add_option("--draft", edit->draft_file, "JSON file with the draft")->required();
    submit->add_option("--acknowledge", edit->acknowledged, "code of a warning that was read")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    auto& source = text();
    verb("message", "preview", meaning_of("drafting", "PreviewMessage"),
         "tocsin message preview draft.json",
         [this, &source] { preview_message(client_, options_, source); })
        ->add_option("FILE_OR_ID", source, "JSON file with a draft, or a message's id")
        ->required();
    auto& incident = text();
    verb("", "watch", meaning_of("drafting", "WatchMessages"), "tocsin watch --incident I",
         [this, &incident] { watch(client_, options_, incident); })
        ->add_option("--incident", incident, "only of this incident");
}

void App::add_review_verbs() {
    auto& message = text();
    verb("review", "get", meaning_of("approval", "GetReview"), "tocsin review get MESSAGE",
         [this, &message] { get_review(client_, options_, message); })
        ->add_option("ID", message, "message")
        ->required();
    auto approving = std::make_shared<Approving>();
    auto* made = verb("", "approve", meaning_of("approval", "Approve"), "tocsin approve MESSAGE",
                      [this, approving] { approve(client_, options_, *approving); });
    made->add_option("ID", approving->message, "message")->required();
    made->add_option("--digest", approving->digest, "only if this is still its digest");
    made->add_option("--comment", approving->comment, "remark, for the record");
}

void App::add_release_verbs() {
    auto& release = text();
    auto& message = text();
    auto* made = verb("release", "get", meaning_of("publishing", "GetRelease"),
                      "tocsin release get RELEASE", [this, &release, &message] {
                          if (release.empty() == message.empty())
                              throw Failure(Exit::usage, "give a release's ID or --message ID");
                          get_release(client_, options_, release, message);
                      });
    made->add_option("ID", release, "release");
    made->add_option("--message", message, "the release of this message");
}

void App::add_source_verbs() {
    auto& source = text();
    verb("source", "get", "show a source, and each series of it that rules read",
         "tocsin source get usgs", [this, &source] { get_source(client_, options_, source); })
        ->add_option("ID", source, "source")
        ->required();
}

static void check_service(const std::string& service) {
    if (std::find(std::begin(service_names), std::end(service_names), service) ==
        std::end(service_names))
        throw Failure(Exit::usage, fmt::format("there is no service `{}`; name one of {}", service,
                                               fmt::join(service_names, ", ")));
}

void App::add_ledger_verbs() {
    auto& service = text();
    verb("ledger", "status", meaning_of("ledger", "GetStatus"), "tocsin ledger status approval",
         [this, &service] {
             check_service(service);
             ledger_status(client_, options_, service);
         })
        ->add_option("SERVICE", service, "such as approval")
        ->required();
    add_operator_verb("restart-input", "RestartInput", meaning_of("ledger", "RestartInput"),
                      "tocsin ledger restart-input approval --partition 3 --reason 'topic lost'");
    add_operator_verb("override-clock", "OverrideClock", meaning_of("ledger", "OverrideClock"),
                      "tocsin ledger override-clock approval --partition 3 --reason 'RTC was off'");
    add_ledger_reads(noun("ledger"));
}

void App::add_operator_verb(const std::string& name, const std::string& method,
                            const std::string& meaning, const std::string& example) {
    auto& service = text();
    auto& reason = text();
    auto& partition = text();
    auto* added =
        verb("ledger", name, meaning, example, [this, method, &service, &reason, &partition] {
            check_service(service);
            const Json answer =
                client_.call(service, method,
                             {{"service", service}, {"partition", partition}, {"reason", reason}});
            std::cout << (options_.json ? answer.dump(2) : cell(answer, "position")) << "\n";
        });
    added->add_option("SERVICE", service, "such as approval")->required();
    added->add_option("--partition", partition, "which")->required()->check(CLI::Range(0, 1023));
    added->add_option("--reason", reason, "why, for the record")->required();
}

void App::add_world(CLI::App* noun) {
    noun->add_option("--world", options_.world, "live or exercise")
        ->check(CLI::IsMember({"live", "exercise"}))
        ->envname("TOCSIN_WORLD")
        ->capture_default_str();
}

void App::add_credential_verbs() {
    auto plan = std::make_shared<CredentialPlan>();
    auto* put = verb("credential", "put", "add or replace the credential that standard input says",
                     "tocsin credential put hook < entry.json",
                     [this, plan] { put_credential(options_, *plan); });
    verb("credential", "list", "list the credentials and their owners, never the secrets",
         "tocsin credential list", [this, plan] { list_credentials(options_, *plan); });
    auto* remove =
        verb("credential", "remove", "take a credential out of the file",
             "tocsin credential remove hook", [this, plan] { remove_credential(options_, *plan); });
    verb("credential", "rekey", "seal the file again, with the first key of the key file",
         "tocsin credential rekey", [this, plan] { reseal_credentials(options_, *plan); });
    for (auto* one : {put, remove})
        one->add_option("NAME", plan->name, "credential, as channels name it")->required();
    auto* credential = noun("credential");
    credential->add_option("--file", plan->file, "the world's sealed file of credentials")
        ->envname("TOCSIN_PUBLISHING_CREDENTIALS_FILE");
    credential
        ->add_option("--key-file", plan->key_file,
                     "its keys: one per line, 64 hexadecimal digits, the newest first")
        ->envname("TOCSIN_PUBLISHING_CREDENTIALS_KEY_FILE");
    add_world(credential);
}

void App::add_ledger_reads(CLI::App* ledger) {
    auto plan = std::make_shared<TailPlan>();
    auto* tail = verb("ledger", "tail", "print what was decided, straight from Kafka",
                      "tocsin ledger tail approval --from-start --follow", [this, plan] {
                          check_service(plan->service);
                          tail_ledger(options_, *plan);
                      });
    tail->add_option("SERVICE", plan->service, "such as approval")->required();
    tail->add_flag("--from-start", plan->from_start,
                   "all of it, not the last few of each partition");
    tail->add_flag("--follow,-f", plan->follow, "go on as decisions come");
    auto& services = list();
    auto& heads = list();
    auto* verify = verb("ledger", "verify", "check that every record of the ledgers is explained",
                        "tocsin ledger verify approval --head approval/3=9F86D0...",
                        [this, &services, &heads] {
                            if (services.empty())
                                services.assign(std::begin(service_names), std::end(service_names));
                            for (const std::string& service : services) check_service(service);
                            if (!verify_ledgers(options_, services, heads))
                                throw Failure(Exit::failure, "a ledger is not as it should be");
                        });
    verify->add_option("SERVICE", services, "such as approval; all when none is named");
    verify->add_option("--head", heads, "service/partition=HEX, a head noted elsewhere")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    const bool usual_name = environment("TOCSIN_KAFKA_BOOTSTRAP").empty();
    ledger->add_option("--kafka-bootstrap", options_.kafka_bootstrap, "brokers (tail, verify)")
        ->envname(usual_name ? "KAFKA_BOOTSTRAP_SERVERS" : "TOCSIN_KAFKA_BOOTSTRAP");
    ledger
        ->add_option("--kafka-properties", options_.kafka_properties,
                     "librdkafka settings (TLS, SASL)")
        ->envname("TOCSIN_KAFKA_PROPERTIES");
    ledger
        ->add_option("--mac-key-file", options_.mac_key_file,
                     "file of the world's keys (tail, verify)")
        ->envname("TOCSIN_MAC_KEY_FILE");
    add_world(ledger);
    ledger->add_option("--partitions", options_.partitions, "partitions that the service runs with")
        ->check(CLI::Range(1, 1024))
        ->envname("TOCSIN_KAFKA_PARTITIONS")
        ->capture_default_str();
}

void App::add_token_verbs() {
    auto* token =
        verb("", "token", "print a token by the local issuer's key",
             "tocsin token --as ana --realm demo --agency city --roles author,approver", [this] {
                 const std::string minted = mint_token(options_);
                 std::cout << (options_.json ? Json{{"token", minted}}.dump() : minted) << "\n";
             });
    token->require_subcommand(0, 1);
    auto& folder = text();
    verb("token", "init", "make an issuer's key and its public set, unless they are there",
         "tocsin token init --dir secrets",
         [this, &folder] {
             init_issuer(folder);
             if (options_.json)
                 std::cout << Json{{"key", folder + "/issuer.key.pem"},
                                   {"jwks", folder + "/jwks.json"}}
                                  .dump()
                           << "\n";
         })
        ->add_option("--dir", folder, "folder for issuer.key.pem and jwks.json")
        ->required();
}

void App::add_small_verbs() {
    auto& shell = text();
    verb("", "completion", "print the completion script of a shell",
         "tocsin completion bash > ~/.local/share/bash-completion/completions/tocsin",
         [&shell] { std::cout << completion_script(shell); })
        ->add_option("SHELL", shell, "bash, zsh or fish")
        ->required();
    verb("", "version", "print the version", "tocsin version", [this] {
        std::cout << (options_.json ? Json{{"version", TOCSIN_VERSION}}.dump()
                                    : "tocsin " TOCSIN_VERSION)
                  << "\n";
    });
}

int App::run(int argc, char** argv) {
    const int code = run_verb(argc, argv);
    if (output_arrived() || code != 0) return code;
    std::cerr
        << "tocsin: the output cannot be written and is lost; the command itself was carried out\n";
    return static_cast<int>(Exit::failure);
}

int App::run_verb(int argc, char** argv) {
    // Not parsed: what is being typed is not yet a command line.
    if (argc > 1 && std::string_view(argv[1]) == "__complete") {
        for (const std::string& word : candidates(app_, {argv + 2, argv + argc}))
            std::cout << word << "\n";
        return 0;
    }
    try {
        if (const std::string bad = not_utf8_in(app_, {argv + 1, argv + argc}); !bad.empty())
            throw Failure(Exit::usage, bad);
        app_.parse(argc, argv);
        action_();
        return 0;
    } catch (const CLI::ParseError& error) {
        // CLI11 names what it misses first; what was mistyped comes before that.
        const std::string mistake =
            error.get_exit_code() == 0 ? "" : mistake_in(app_, {argv + 1, argv + argc});
        if (mistake.empty()) return app_.exit(error) == 0 ? 0 : static_cast<int>(Exit::usage);
        std::cerr << "tocsin: " << mistake << "\n";
        return static_cast<int>(Exit::usage);
    } catch (const Failure& failure) {
        std::cerr << "tocsin: " << failure.what() << "\n";
        return static_cast<int>(failure.exit);
    } catch (const std::exception& error) {
        std::cerr << "tocsin: " << error.what() << "\n";
        return static_cast<int>(Exit::failure);
    }
}

int run(int argc, char** argv) { return App().run(argc, argv); }

}  // namespace tocsin::cli
