class RtcTokenBuilder:
    @staticmethod
    def buildTokenWithUid(
        appId: str, appCertificate: str, channelName: str, uid: int, role: int, privilegeExpiredTs: int
    ) -> str: ...
    @staticmethod
    def buildTokenWithAccount(
        appId: str, appCertificate: str, channelName: str, account: str, role: int, privilegeExpiredTs: int
    ) -> str: ...

class RtmTokenBuilder:
    @staticmethod
    def buildToken(appId: str, appCertificate: str, userAccount: str, role: int, privilegeExpiredTs: int) -> str: ...
