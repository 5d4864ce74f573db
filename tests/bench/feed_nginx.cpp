// feed.full.nginx, feed.304.nginx: the public feed from the gateway against the same bytes as a
// file from nginx, to readers that have nothing and to readers that have it already.
#include "bench/audience.hpp"
#include "bench/benchmarks.hpp"
#include "bench/city.hpp"
#include "bench/http.hpp"
#include "bench/newsroom.hpp"
#include "bench/page_reader.hpp"
#include "bench/setup.hpp"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <stdexcept>

namespace tocsin::bench {

using namespace std::chrono_literals;

static constexpr int alerts_in_force = 20;
static constexpr int page_readers = 8;
static constexpr const char* nginx_path = "/usr/sbin/nginx";

namespace {

class Nginx {
public:
    Nginx(Stage& stage, const std::string& page) : port_(free_port()) {
        const std::string folder = stage.folder() + "/nginx";
        std::filesystem::create_directories(folder);
        stage.file("nginx/feed.atom", page);
        const passwd* self = getpwuid(getuid());
        // Its own defaults, but for what would be written elsewhere.
        const std::string settings = fmt::format(
            R"(daemon off;
user {};
worker_processes auto;
pid {}/pid;
error_log stderr;
events {{}}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  client_body_temp_path {}/body;
  proxy_temp_path {}/proxy;
  fastcgi_temp_path {}/fastcgi;
  uwsgi_temp_path {}/uwsgi;
  scgi_temp_path {}/scgi;
  keepalive_requests 100000000;
  types {{ application/atom+xml atom; }}
  server {{ listen 127.0.0.1:{}; root {}; }}
}}
)",
            self != nullptr ? self->pw_name : "root", folder, folder, folder, folder, folder,
            folder, port_, folder);
        program_ = stage.start_other(nginx_path, "nginx",
                                     {"-p", folder, "-c", stage.file("nginx.conf", settings)});
        const bool serves = wait_until(30s, [&] {
            if (!program_->running()) return true;
            try {
                return Http().get(fmt::format("http://127.0.0.1:{}/feed.atom", port_)) == page;
            } catch (const std::runtime_error&) {
                return false;
            }
        });
        if (!serves || !program_->running()) throw std::runtime_error("nginx does not serve");
    }
    // Its workers end with it, and would not if it were killed.
    ~Nginx() {
        if (program_) program_->end(SIGTERM);
    }
    Nginx(const Nginx&) = delete;

    int port() const { return port_; }

private:
    int port_;
    std::unique_ptr<Program> program_;
};

// Messages in force on the feed; its first page.
std::string fill_feed(Newsroom& newsroom, const Stage& stage, const std::string& url) {
    const std::string position = put_feed(newsroom.all(), newsroom.token("one", "admin"));
    await_in_drafting(newsroom.all(), newsroom.token("one", "author"), position);
    const int alerts = stage.dose(alerts_in_force, 2);
    for (int i = 0; i < alerts; ++i) newsroom.send({{"one"}});
    return Http().get(url);
}

}  // namespace

std::vector<Figure> feed_nginx(Stage& stage) {
    stage.clear();
    Audience audience;
    Newsroom newsroom(stage, audience, {{"one", 0}});
    const Page ours{
        newsroom.all().ports.at("gateway"), fmt::format("/feeds/{}/en-CA.atom", realm), {}};
    const std::string page =
        fill_feed(newsroom, stage, fmt::format("http://127.0.0.1:{}{}", ours.port, ours.path));
    const Nginx nginx(stage, page);
    const Page theirs{nginx.port(), "/feed.atom", {}};
    const auto time = stage.dose(2000ms, 200ms);
    std::vector<Figure> figures;
    for (const bool full : {true, false}) {
        const int status = full ? 200 : 304;
        Page one = ours, other = theirs;
        if (!full)
            for (Page* known : {&one, &other}) known->etag = etag_of(*known);
        std::vector<double> gateway, file;
        for (int round = 0; round <= stage.dose(rounds, 1); ++round) {
            gateway.push_back(pages_per_second(one, status, page_readers, time));
            file.push_back(pages_per_second(other, status, page_readers, time));
            say(
                fmt::format("feed, status {}, round {}: {:.0f} pages of {} bytes a second; nginx "
                            "{:.0f}",
                            status, round, gateway.back(), page.size(), file.back()));
            if (round == 0) gateway = file = {};  // warms up
        }
        figures.push_back(more_is_better(
            full ? "feed.full.nginx" : "feed.304.nginx", median(gateway), median(file), "/s",
            fmt::format("nginx with the same {} bytes as a file; {} readers on this machine",
                        page.size(), page_readers),
            2));
    }
    return figures;
}

}  // namespace tocsin::bench
