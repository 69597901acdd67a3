//! The mail adapter: SMTP. A server cannot be asked whether it has had a message, so after a crash
//! it is sent again under the same Message-ID, and the notice says that it may be double.

use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, header::ContentType},
    transport::smtp,
};
use thiserror::Error;

#[derive(Debug, Error)]
pub(crate) enum MailError {
    #[error("notify.smtp_url is not an SMTP address (smtp://user:password@host:587)")]
    Url(#[source] smtp::Error),
    #[error("notify.sender is not a mail address")]
    Sender(#[source] lettre::address::AddressError),
    #[error("the recipient's mail address is not one")]
    Recipient(#[source] lettre::address::AddressError),
    #[error("the message cannot be built")]
    Build(#[source] lettre::error::Error),
    /// The server will not take it, however often it is tried.
    #[error("the mail server refused the message for good")]
    Refused(#[source] smtp::Error),
    #[error("the mail server cannot be reached, or not now")]
    Away(#[source] smtp::Error),
}

pub(crate) struct Mail {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    sender: Mailbox,
}

/// What is sent.
pub(crate) struct Letter<'a> {
    pub id: &'a str,
    pub to: &'a str,
    pub subject: String,
    pub text: &'a str,
}

impl Mail {
    pub fn of(smtp_url: &str, sender: &str) -> Result<Mail, MailError> {
        let transport =
            AsyncSmtpTransport::<Tokio1Executor>::from_url(smtp_url).map_err(MailError::Url)?.build();
        Ok(Mail { transport, sender: sender.parse().map_err(MailError::Sender)? })
    }

    pub async fn send(&self, letter: &Letter<'_>) -> Result<(), MailError> {
        let message = self.message(letter)?;
        match self.transport.send(message).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_permanent() => Err(MailError::Refused(error)),
            Err(error) => Err(MailError::Away(error)),
        }
    }

    fn message(&self, letter: &Letter<'_>) -> Result<Message, MailError> {
        let to: Mailbox = letter.to.parse().map_err(MailError::Recipient)?;
        let host = self.sender.email.domain();
        Message::builder()
            .message_id(Some(format!("<{}@{host}>", letter.id)))
            .from(self.sender.clone())
            .to(to)
            .subject(letter.subject.clone())
            .header(ContentType::TEXT_PLAIN)
            .body(letter.text.to_owned())
            .map_err(MailError::Build)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail() -> Mail {
        Mail::of("smtp://127.0.0.1:1", "hotline@shop.example").unwrap()
    }

    /// A mail server of one conversation, which says `verdict` to the recipient; what it was sent.
    async fn server(verdict: &'static str) -> (String, tokio::task::JoinHandle<String>) {
        use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let talk = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let (read, mut write) = stream.into_split();
            let mut lines = BufReader::new(read).lines();
            let (mut heard, mut in_body) = (String::new(), false);
            write.write_all(b"220 here\r\n").await.unwrap();
            while let Some(line) = lines.next_line().await.unwrap() {
                heard.push_str(&line);
                heard.push('\n');
                let answer = match line.as_str() {
                    "." => "250 taken",
                    _ if in_body => continue,
                    "DATA" => "354 go on",
                    "QUIT" => "221 bye",
                    rcpt if rcpt.starts_with("RCPT") => verdict,
                    _ => "250 fine",
                };
                in_body = line == "DATA";
                write.write_all(format!("{answer}\r\n").as_bytes()).await.unwrap();
                if line == "." || line == "QUIT" {
                    break;
                }
            }
            heard
        });
        (url, talk)
    }

    #[tokio::test]
    async fn a_letter_arrives_as_it_is() {
        let (url, talk) = server("250 fine").await;
        let mail = Mail::of(&url, "hotline@shop.example").unwrap();
        mail.send(&letter("cr@shop.example")).await.unwrap();
        let heard = talk.await.unwrap();
        assert!(
            heard.contains("RCPT TO:<cr@shop.example>") && heard.contains("Message-ID: <0195@shop.example>"),
            "{heard}"
        );
    }

    #[tokio::test]
    async fn no_for_good_and_not_now_are_told_apart() {
        for (verdict, for_good) in [("550 no such box", true), ("451 come again", false)] {
            let (url, talk) = server(verdict).await;
            let mail = Mail::of(&url, "hotline@shop.example").unwrap();
            let error = mail.send(&letter("cr@shop.example")).await.unwrap_err();
            assert_eq!(matches!(error, MailError::Refused(_)), for_good, "{verdict}: {error:?}");
            drop(mail);
            talk.abort();
        }
    }

    fn letter(to: &str) -> Letter<'_> {
        Letter { id: "0195", to, subject: "工单 05-00001-8".into(), text: "请处理。" }
    }

    #[tokio::test]
    async fn the_message_id_is_the_notices() {
        let message = mail().message(&letter("cr@shop.example")).unwrap();
        let text = String::from_utf8(message.formatted()).unwrap();
        assert!(text.contains("Message-ID: <0195@shop.example>"), "{text}");
        assert!(text.contains("To: cr@shop.example"), "{text}");
    }

    #[tokio::test]
    async fn a_bad_address_is_no_reason_to_try_again() {
        assert!(matches!(mail().message(&letter("nobody")), Err(MailError::Recipient(_))));
    }

    #[tokio::test]
    async fn a_server_that_is_away_is_tried_again() {
        let error = mail().send(&letter("cr@shop.example")).await.unwrap_err();
        assert!(matches!(error, MailError::Away(_)), "{error:?}");
    }

    #[tokio::test]
    async fn a_bad_configuration_is_said_at_start() {
        assert!(matches!(Mail::of("http://x", "hotline@shop.example"), Err(MailError::Url(_))));
        assert!(matches!(Mail::of("smtp://127.0.0.1", "hotline"), Err(MailError::Sender(_))));
    }
}
